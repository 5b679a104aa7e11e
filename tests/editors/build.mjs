// Bundles the pages of editors. usage: node build.mjs FOLDER EDITOR ...
import { copyFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

// The one that builds Quire's own page.
const { build } = createRequire(new URL('../../web/client/package.json', import.meta.url))('esbuild')

const [, , folder, ...editors] = process.argv
await build({
  entryPoints: ['main', ...editors].map((name) => `pages/${name}.js`),
  outdir: folder,
  bundle: true,
  splitting: true, // one Yjs for all
  format: 'esm',
  target: 'es2022',
  conditions: ['module', 'style'], // as BlockNote names its styles
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.ttf': 'file', '.woff': 'file', '.woff2': 'file' },
  minify: true,
  logLevel: 'error'
})
await copyFile('pages/index.html', `${folder}/index.html`)
