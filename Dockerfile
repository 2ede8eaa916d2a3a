# syntax=docker/dockerfile:1

# The builder's own platform, whichever the image is for: nothing that is built or installed here depends on the processor.
FROM --platform=$BUILDPLATFORM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/client/package.json packages/client/

FROM dependencies AS build
RUN npm ci
COPY tsconfig.json tsconfig.build.json tsconfig.web.json ./
COPY scripts/*.mjs scripts/
COPY src src
COPY web web
RUN npm run build

FROM dependencies AS production-dependencies
RUN npm ci --omit=dev

# Everything belongs to root, so the process cannot change its own program. It writes no file at all.
FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json ./
COPY --from=production-dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 3000 3001
STOPSIGNAL SIGTERM
# Whether to leave the process running. Whether to send it traffic is what /health/ready tells.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.OPS_PORT || 3001}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# An entry point of its own, because the base image's is a shell script.
# As many helpers for garbage as there are cores for them: docs/decisions/helpers-for-garbage.md.
ENTRYPOINT ["node", "--v8-pool-size=0", "dist/main.js"]
