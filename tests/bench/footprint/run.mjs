// 32-bit MicroPython (WebAssembly) behind a pipe: node run.mjs FOLDER_OF_THE_NPM_PACKAGE
//
// In, a line of JSON each:  {path: octets in base64}   files to write, first and once
//                           "text"                     Python to run at top level, where a collection takes effect
// Out, a line of JSON each: {"said": [lines], "error": "" or the traceback}
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const { loadMicroPython } = await import(pathToFileURL(process.argv[2] + '/micropython.mjs').href);
let said = [];
const mp = await loadMicroPython({ heapsize: 1 << 20, linebuffer: true, stdout: (line) => { said.push(line); } });

function write(path, octets) {
    const folders = path.split('/').slice(1, -1);
    for (let i = 1; i <= folders.length; i++) {
        const folder = '/' + folders.slice(0, i).join('/');
        if (!mp.FS.analyzePath(folder).exists) mp.FS.mkdir(folder);
    }
    mp.FS.writeFile(path, Buffer.from(octets, 'base64'));
}

for await (const line of createInterface({ input: process.stdin })) {
    const what = JSON.parse(line);
    let error = '';
    said = [];
    try {
        if (typeof what === 'string') mp.runPython(what);
        else for (const [path, octets] of Object.entries(what)) write(path, octets);
    } catch (fault) {
        error = fault.message;
    }
    process.stdout.write(JSON.stringify({ said, error }) + '\n');
}
