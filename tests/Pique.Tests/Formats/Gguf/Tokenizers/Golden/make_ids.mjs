// Encodes texts with llama.cpp: node golden.mjs TEXTS.json VOCABULARY.gguf > IDS
import {readFileSync} from "node:fs";
import {getLlama} from "node-llama-cpp";

const [textFile, modelPath] = process.argv.slice(2);
const llama = await getLlama({build: "never", gpu: false, logLevel: "disabled"});
const model = await llama.loadModel({modelPath, vocabOnly: true});
for (const text of JSON.parse(readFileSync(textFile, "utf8")))
    console.log(Array.from(model.tokenize(text, false)).join(" "));
process.exit(0);
