// Prints what the Khronos glTF validator says about a file: node validate.js FILE
const { readFileSync } = require("node:fs");
const { validateBytes } = require("gltf-validator");

validateBytes(new Uint8Array(readFileSync(process.argv[2]))).then(
  (report) => console.log(JSON.stringify(report)),
  (reason) => {
    console.error(String(reason));
    process.exitCode = 1;
  },
);
