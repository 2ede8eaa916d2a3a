/** What developers write who have `carillon-client` installed: apps of Vite, a script, a server, and types. */

const HEAD = '<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,"></head>';
const page = (script: string) =>
  `${HEAD}<body><div id="app"></div><script type="module" src="./${script}"></script></body></html>`;
const HASH = 'const { url, token } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));';

/** By their paths. `folder.write()` of tarballs.ts takes them. */
export const CONSUMER_APPS = {
  'react/index.html': page('main.jsx'),
  'react/vite.config.js': `export default { base: './' };`,
  'react/main.jsx': `
    import { textsOf } from 'carillon-client';
    import { useCarillon } from 'carillon-client/react';
    import { createElement } from 'react';
    import { createRoot } from 'react-dom/client';
    ${HASH}
    function Inbox() {
      const { notifications, unseen } = useCarillon({ url, token });
      const titles = notifications.map((item) => createElement('li', { key: item.id }, textsOf(item).title));
      return createElement('main', null, createElement('h1', null, unseen + ' new'), titles);
    }
    createRoot(document.querySelector('#app')).render(createElement(Inbox));`,
  'vue/index.html': page('main.js'),
  'vue/vite.config.js': `
    import vue from '@vitejs/plugin-vue';
    const template = { compilerOptions: { isCustomElement: (tag) => tag === 'carillon-bell' } };
    export default { base: './', plugins: [vue({ template })] };`,
  'vue/main.js': `
    import 'carillon-client/bell';
    import { createApp } from 'vue';
    import App from './App.vue';
    createApp(App).mount('#app');`,
  'vue/App.vue': `
    <script setup>
    import { ref } from 'vue';
    const last = ref('nothing yet');
    ${HASH}
    </script>
    <template>
      <h1>{{ last }}</h1>
      <carillon-bell :url :token @carillon-notification="last = $event.detail.data.title" />
    </template>`,
  'script.mjs': `
    import { connect } from 'carillon-client';
    const { CARILLON_URL: url, TOKEN } = process.env;
    const carillon = connect({ url, token: () => TOKEN });
    carillon.on('session', ({ user }) => console.log('connected as', user));
    carillon.on('notification', ({ data }) => { console.log(data.title); carillon.close(); });`,
  'server.mjs': `
    import 'carillon-client/bell';
    import { useCarillon } from 'carillon-client/react';
    import { createElement } from 'react';
    import { renderToString } from 'react-dom/server';
    function Inbox() {
      const { unseen, state } = useCarillon({ url: 'https://notify.example.com', token: 'any' });
      return createElement('p', null, unseen + ' new, ' + state.status);
    }
    console.log(renderToString(createElement(Inbox)));`,
  'types.ts': `
    import { connect, type InboxItem, type Marks, type Notification, type Session } from 'carillon-client';
    import type { CarillonBell } from 'carillon-client/bell';
    import { useCarillon } from 'carillon-client/react';
    type IsAny<T> = 0 extends 1 & T ? true : false;
    type AnyOf<T> = { [K in keyof T]: IsAny<T[K]> }[keyof T];
    export const known: [AnyOf<Session>, AnyOf<InboxItem>, IsAny<Marks>, IsAny<CarillonBell>] = [false, false, false, false];
    export const severities: Record<Notification['severity'], string> = { info: '', success: '', warning: '', critical: '' };
    // @ts-expect-error: an offset is a number.
    export const offset: string = (null! as Notification).offset;
    export const unseen: number = useCarillon({ url: '', token: '' }).unseen;
    connect({ url: '', token: () => '' }).on('notification', ({ data }) => { const title: unknown = data.title; void title; });`,
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      ...{ lib: ['es2023', 'dom', 'dom.iterable'], target: 'es2023', module: 'nodenext' },
      ...{ moduleResolution: 'nodenext', types: [], strict: true, noEmit: true, skipLibCheck: false },
    },
    files: ['types.ts'],
  }),
};
