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

// CodeMirror's styles go into a <style>, which the page's Content-Security-Policy does not allow.
// Here they become rules of the sheet that document.html links first, so that the page's own rules
// still come after them.
const patches = [
  [
    'if (!root.head && root.adoptedStyleSheets && win.CSSStyleSheet) {',
    'const linked = root.head && doc.getElementById("editor-rules")\n' +
      '    if (linked) {\n      this.sheet = linked.sheet\n    } else ' +
      'if (!root.head && root.adoptedStyleSheets && win.CSSStyleSheet) {'
  ],
  [
    'if (root.adoptedStyleSheets.indexOf(this.sheet) < 0)',
    'if (!this.sheet.ownerNode && root.adoptedStyleSheets.indexOf(this.sheet) < 0)'
  ]
]
const linkedStyles = {
  name: 'linked-styles',
  setup: ({ onLoad }) =>
    onLoad({ filter: /style-mod\/src\/style-mod\.js$/ }, ({ path }) => {
      let contents = readFileSync(path, 'utf8')
      for (const [theirs, ours] of patches) {
        if (contents.split(theirs).length !== 2) throw new Error(`style-mod has changed: ${theirs}`)
        contents = contents.replace(theirs, ours)
      }
      return { contents }
    })
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
    plugins: [linkedStyles],
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
