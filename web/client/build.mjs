// Builds the committed third-party files: vendor/editor.js, vendor/icons.js and
// vendor/LICENSES.txt. The same lock file gives the same bytes on every machine: no timestamps, no
// paths, fixed order.
import { readFileSync, readdirSync, writeFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const out = process.argv[2] ?? join(here, '..', 'static', 'vendor')

// The folder below node_modules that a bundled file came from: "yjs", "@tiptap/core".
const packageOf = (path) => path.match(/^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1]

function licence(name) {
  const folder = join(here, 'node_modules', name)
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder)
    .sort()
    .find((entry) => /^licen[cs]e/i.test(entry))
  const text = file
    ? readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim()
    : `Licensed under ${license}.`
  return `${name} ${version} (${license})\n\n${text}\n`
}

async function bundle(entry) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    outfile: join(out, entry),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    metafile: true,
    // Production branches only; there is no Node in the browser.
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'warning'
  })
  const [output] = Object.values(result.metafile.outputs)
  return Object.entries(output.inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => path)
}

mkdirSync(out, { recursive: true })
const inputs = [...(await bundle('editor.js')), ...(await bundle('icons.js'))]
const yjs = new Set(inputs.filter((path) => /node_modules\/yjs\/.*\.m?js$/.test(path)))
if (yjs.size !== 1)
  throw new Error(`the bundle must hold exactly one copy of Yjs, not ${[...yjs].join(', ')}`)
const packages = [...new Set(inputs.map(packageOf).filter(Boolean))].sort()
const rule = '\n' + '-'.repeat(78) + '\n\n'
writeFileSync(
  join(out, 'LICENSES.txt'),
  [
    'editor.js and icons.js contain the following packages, each under its own licence.\n',
    ...packages.map(licence)
  ].join(rule)
)
for (const file of ['editor.js', 'icons.js']) {
  const bytes = readFileSync(join(out, file))
  console.log(`${file}: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzip`)
}
console.log(`${packages.length} packages`)
