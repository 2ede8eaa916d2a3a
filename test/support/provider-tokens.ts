/**
 * Access tokens as login providers issue them, with the claims that their documentation names and invented values. Each
 * provider comes with the settings that its section of docs/login-providers.md recommends.
 */

export interface ProviderToken {
  readonly name: string;
  readonly header: Readonly<Record<string, unknown>>;
  /** Tests add `iat` and `exp`. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The user whom Carillon sees behind the token. */
  readonly user: string;
  readonly departments: readonly string[];
  readonly mayPublish: boolean;
  readonly isAdmin: boolean;
}

export interface LoginProvider {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly tokens: readonly ProviderToken[];
}

const auth0: LoginProvider = {
  name: 'Auth0',
  settings: {
    JWT_ISSUER: 'https://shop.eu.auth0.com/',
    JWT_AUDIENCE: 'https://carillon.example.com',
    JWT_CLAIM_DEPARTMENTS: 'https://example.com/departments',
    JWT_CLAIM_SCOPE: 'permissions',
  },
  tokens: [
    {
      name: 'of a user',
      header: { typ: 'JWT' },
      claims: {
        'https://example.com/departments': ['Sales & Marketing', 'north'],
        iss: 'https://shop.eu.auth0.com/',
        sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
        aud: ['https://carillon.example.com', 'https://shop.eu.auth0.com/userinfo'],
        azp: 'my1nv3nt3dCl13ntId',
        scope: 'openid profile email',
        permissions: [],
      },
      user: 'auth0|5f7c8ec7c33c6c004bbafe82',
      departments: ['Sales & Marketing', 'north'],
      mayPublish: false,
      isAdmin: false,
    },
    {
      name: 'of an operator, in the profile of RFC 9068',
      header: { typ: 'at+jwt' },
      claims: {
        iss: 'https://shop.eu.auth0.com/',
        sub: 'google-oauth2|103547991597142817347',
        aud: ['https://carillon.example.com', 'https://shop.eu.auth0.com/userinfo'],
        client_id: 'my1nv3nt3dCl13ntId',
        jti: 'nUkuMPz4tL2Gp5VhJ0sH9e',
        scope: 'openid profile admin',
        permissions: ['admin', 'read:orders'],
      },
      user: 'google-oauth2|103547991597142817347',
      departments: [],
      mayPublish: false,
      isAdmin: true,
    },
    {
      name: 'of a service',
      header: { typ: 'JWT' },
      claims: {
        iss: 'https://shop.eu.auth0.com/',
        sub: 'svc1nv3nt3d@clients',
        aud: 'https://carillon.example.com',
        azp: 'svc1nv3nt3d',
        scope: 'events:write',
        gty: 'client-credentials',
        permissions: ['events:write'],
      },
      user: 'svc1nv3nt3d@clients',
      departments: [],
      mayPublish: true,
      isAdmin: false,
    },
  ],
};

const keycloakClaims = {
  jti: 'onrtac:8d5f1a3e-6b1c-4a35-9a53-2f0f4b7c9d10',
  iss: 'https://login.example.com/realms/shop',
  aud: ['carillon', 'account'],
  typ: 'Bearer',
  azp: 'shop-web',
  sid: '2a88c258-f73a-4103-b862-e1fbd8f4e04e',
  acr: '1',
  'allowed-origins': ['https://shop.example.com'],
  // Makes the user an admin of some other application.
  realm_access: { roles: ['offline_access', 'default-roles-shop', 'uma_authorization', 'admin'] },
  scope: 'openid email profile',
};

const keycloak: LoginProvider = {
  name: 'Keycloak',
  settings: {
    JWT_ISSUER: 'https://login.example.com/realms/shop',
    JWT_AUDIENCE: 'carillon',
    JWT_CLAIM_DEPARTMENTS: 'groups',
    JWT_CLAIM_SCOPE: 'resource_access.carillon.roles',
  },
  tokens: [
    {
      name: 'of a user',
      header: { typ: 'JWT' },
      claims: {
        ...keycloakClaims,
        sub: '36fa0f91-f94d-4a0c-afed-6b7d952e47da',
        resource_access: { account: { roles: ['manage-account', 'view-profile'] } },
        email_verified: true,
        preferred_username: 'ada',
        groups: ['sales', 'north'],
      },
      user: '36fa0f91-f94d-4a0c-afed-6b7d952e47da',
      departments: ['sales', 'north'],
      mayPublish: false,
      isAdmin: false,
    },
    {
      name: 'of a service, with a role of the client carillon',
      header: { typ: 'JWT' },
      claims: {
        ...keycloakClaims,
        azp: 'orders',
        sub: '9e2f9a41-5b0a-4cf2-a1d0-51cf1c6c1f11',
        resource_access: { carillon: { roles: ['events:write'] } },
        clientHost: '10.0.0.7',
        preferred_username: 'service-account-orders',
        client_id: 'orders',
      },
      user: '9e2f9a41-5b0a-4cf2-a1d0-51cf1c6c1f11',
      departments: [],
      mayPublish: true,
      isAdmin: false,
    },
    {
      name: 'of an operator',
      header: { typ: 'JWT' },
      claims: {
        ...keycloakClaims,
        sub: '5d0b31f6-0e0c-4a3b-8e87-0b2fd1b5a6a2',
        resource_access: { carillon: { roles: ['admin'] } },
        preferred_username: 'grace',
      },
      user: '5d0b31f6-0e0c-4a3b-8e87-0b2fd1b5a6a2',
      departments: [],
      mayPublish: false,
      isAdmin: true,
    },
  ],
};

const entraClaims = {
  aud: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
  iss: 'https://login.microsoftonline.com/72f988bf-0000-4000-8000-2d7cd011db47/v2.0',
  aio: 'AXQAi/8IAAAAtAaZLo3ChMif6KOnttRB7eBq4/DccQzjcJGxPYy',
  azp: '7f1e6e5d-1f0f-4b43-9c6e-0d3c5d0a1b2c',
  azpacr: '1',
  rh: '0.AXkAwKY_invented',
  tid: '72f988bf-0000-4000-8000-2d7cd011db47',
  uti: '1nv3nt3d-uti',
  ver: '2.0',
};

const entra: LoginProvider = {
  name: 'Entra ID',
  settings: {
    JWT_ISSUER: 'https://login.microsoftonline.com/72f988bf-0000-4000-8000-2d7cd011db47/v2.0',
    JWT_AUDIENCE: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
    JWT_CLAIM_USER: 'oid',
    JWT_CLAIM_DEPARTMENTS: 'groups',
    JWT_CLAIM_SCOPE: 'roles',
  },
  tokens: [
    {
      name: 'of a user',
      header: { typ: 'JWT', x5t: 'invented' },
      claims: {
        ...entraClaims,
        groups: ['0760b6cf-170e-4a14-91b3-4b78e0739963', '3b2b0c93-acd8-4208-8eba-7a48db1cd4c0'],
        name: 'Ada Lovelace',
        oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
        preferred_username: 'ada@example.com',
        scp: 'access_as_user',
        sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ',
      },
      user: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
      departments: ['0760b6cf-170e-4a14-91b3-4b78e0739963', '3b2b0c93-acd8-4208-8eba-7a48db1cd4c0'],
      mayPublish: false,
      isAdmin: false,
    },
    {
      name: 'of an operator, who is in more groups than go into a token',
      header: { typ: 'JWT' },
      claims: {
        ...entraClaims,
        _claim_names: { groups: 'src1' },
        _claim_sources: { src1: { endpoint: 'https://graph.microsoft.com/v1.0/users/x/getMemberObjects' } },
        oid: '8a5c1a2d-90c1-4a0e-9e3b-0c9f1b2a3c4d',
        roles: ['admin'],
        scp: 'access_as_user',
        sub: 'invented-pairwise-subject',
      },
      user: '8a5c1a2d-90c1-4a0e-9e3b-0c9f1b2a3c4d',
      departments: [],
      mayPublish: false,
      isAdmin: true,
    },
    {
      name: 'of a service, with an app role',
      header: { typ: 'JWT' },
      claims: {
        ...entraClaims,
        idtyp: 'app',
        oid: 'c0ffee00-1111-4222-8333-444455556666',
        roles: ['events:write'],
        sub: 'c0ffee00-1111-4222-8333-444455556666',
      },
      user: 'c0ffee00-1111-4222-8333-444455556666',
      departments: [],
      mayPublish: true,
      isAdmin: false,
    },
  ],
};

const cognitoClaims = {
  iss: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Inv3nt3d',
  client_id: '1example23456789',
  token_use: 'access',
  auth_time: 1_790_000_000,
  jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
};

const cognito: LoginProvider = {
  name: 'Cognito',
  // Cognito's access tokens have no `aud`, so there is no JWT_AUDIENCE.
  settings: {
    JWT_ISSUER: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Inv3nt3d',
    JWT_CLAIM_DEPARTMENTS: 'cognito:groups',
    JWT_SCOPE_PREFIX: 'carillon/',
  },
  tokens: [
    {
      name: 'of a user',
      header: {},
      claims: {
        ...cognitoClaims,
        sub: 'c3a48892-60a1-70d3-4c6f-9e4f5a6b7c8d',
        // The shop's own group `admin` becomes a department here. It grants no right.
        'cognito:groups': ['sales', 'admin'],
        origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-ffffffffffff',
        event_id: '64f513be-32db-42b0-b78e-b02127b4f463',
        scope: 'openid profile aws.cognito.signin.user.admin',
        username: 'ada',
        version: 2,
      },
      user: 'c3a48892-60a1-70d3-4c6f-9e4f5a6b7c8d',
      departments: ['sales', 'admin'],
      mayPublish: false,
      isAdmin: false,
    },
    {
      name: 'of an operator',
      header: {},
      claims: {
        ...cognitoClaims,
        sub: 'd4b59903-71b2-41e4-9d70-0f5a6b7c8d9e',
        scope: 'openid carillon/admin',
        username: 'grace',
        version: 2,
      },
      user: 'd4b59903-71b2-41e4-9d70-0f5a6b7c8d9e',
      departments: [],
      mayPublish: false,
      isAdmin: true,
    },
    {
      name: 'of a service',
      header: {},
      claims: { ...cognitoClaims, sub: '1example23456789', scope: 'carillon/events:write', version: 2 },
      user: '1example23456789',
      departments: [],
      mayPublish: true,
      isAdmin: false,
    },
  ],
};

export const loginProviders: readonly LoginProvider[] = [auth0, keycloak, entra, cognito];
