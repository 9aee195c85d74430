// llama.cpp for the tests: one JSON request a line on stdin, one JSON reply a line on stdout, until stdin ends.
//   { id, command, ... }  →  { id, result } or { id, error }
// Log-probabilities and perplexities are made from logits by the caller, so that rounding happens in one place.
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { finished } from "node:stream/promises";

// stdout belongs to the replies, whatever a library has to say.
const reply = process.stdout.write.bind(process.stdout);
console.log = console.info = console.debug = console.warn = console.error;
const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");

// ggml's threads wait for one another by spinning, several times a layer. With test processes beside them on as many cores, two took a
// hundred times as long as one.
const THREADS = 1;
// Logits come as a map a token: so many at once take about 100 MB.
const LOGITS_AT_ONCE = 1 << 20;
// node-llama-cpp moves the context's window before the last cell is taken; with cells to spare it never does.
const SPARE_TOKENS = 8;

const llama = await getLlama({
  gpu: false, build: "never", skipDownload: true, progressLogs: false, maxThreads: THREADS,
  logLevel: LlamaLogLevel.warn, logger: (level, message) => process.stderr.write(`${level}: ${message}\n`),
});
const models = new Map();
let modelCount = 0;

const commands = {
  // Loads a model; without contextTokens its vocabulary alone.
  async load({ path, contextTokens = null }) {
    const vocabOnly = contextTokens === null;
    const model = await llama.loadModel({ modelPath: path, vocabOnly, gpuLayers: 0, useMmap: false, checkTensors: !vocabOnly });
    const context = vocabOnly ? null : await model.createContext({
      contextSize: contextTokens + SPARE_TOKENS, threads: { ideal: THREADS, min: THREADS }, flashAttention: false,
      experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32", failedCreationRemedy: false, ignoreMemorySafetyChecks: true,
    });
    const vocabularySize = [...model.iterateAllTokens()].length;
    const key = ++modelCount;
    models.set(key, { model, context, sequence: context?.getSequence(), contextTokens, vocabularySize });
    return { model: key, vocabularySize, threads: context?.currentThreads, keyType: context?.kvCacheKeyType, valueType: context?.kvCacheValueType };
  },

  // Ids of each text: special tokens written out in it are text, none is added.
  tokenize: ({ model, texts }) => texts.map(text => find(model).model.tokenize(text, false)),

  // Text of each list of ids, special tokens left out.
  detokenize: ({ model, sequences }) => sequences.map(ids => find(model).model.detokenize(ids, false)),

  // Writes the logits after every token to a file: float32, [token, vocabulary].
  async logits({ model, tokens, path }) {
    const { sequence, vocabularySize } = await fresh(model, tokens.length);
    const file = createWriteStream(path);
    const step = Math.max(1, Math.floor(LOGITS_AT_ONCE / vocabularySize));
    for (let first = 0; first < tokens.length; first += step) {
      const part = tokens.slice(first, first + step);
      const outputs = await sequence.controlledEvaluate(part.map(token => [token, { generateNext: { logits: true, options: { temperature: 0 } } }]));
      const rows = new Float32Array(part.length * vocabularySize).fill(NaN);
      outputs.forEach((output, row) => output.next.logits.forEach((logit, token) => { rows[row * vocabularySize + token] = logit; }));
      if (!file.write(new Uint8Array(rows.buffer)))
        await once(file, "drain");
    }
    await finished(file.end());
  },

  // Continues a prompt with the likeliest token each time. The stop token is not part of the result.
  async greedy({ model, prompt, stopIds, maxTokens }) {
    const { sequence, contextTokens } = await fresh(model, prompt.length);
    const tokens = [];
    for (let input = prompt; ;) {
      const next = { generateNext: { token: true, options: { temperature: 0 } } };
      const outputs = await sequence.controlledEvaluate(input.map((token, index) => index === input.length - 1 ? [token, next] : token));
      const token = outputs[input.length - 1].next.token;
      if (stopIds.includes(token))
        return { tokens, finishReason: "StopToken" };
      tokens.push(token);
      if (tokens.length === maxTokens)
        return { tokens, finishReason: "MaxTokens" };
      if (prompt.length + tokens.length === contextTokens)
        return { tokens, finishReason: "ContextFull" };
      input = [token];
    }
  },

  async unload({ model }) {
    const { model: loaded, context } = find(model);
    models.delete(model);
    await context?.dispose();
    await loaded.dispose();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, ...parameters } = JSON.parse(line);
  let outcome;
  try {
    if (!Object.hasOwn(commands, command))
      throw new Error(`unknown command ${command}`);
    outcome = { result: await commands[command](parameters) ?? null };
  } catch (error) {
    outcome = { error: String(error?.stack ?? error) };
  }
  reply(JSON.stringify({ id, ...outcome }) + "\n");
}
process.exit(0);

function find(key) {
  const entry = models.get(key);
  if (entry === undefined)
    throw new Error(`no model ${key} is loaded`);
  return entry;
}

// The model with an empty context.
async function fresh(key, tokenCount) {
  const entry = find(key);
  if (entry.context === null)
    throw new Error(`model ${key} is a vocabulary without weights`);
  if (tokenCount < 1 || tokenCount > entry.contextTokens)
    throw new Error(`${tokenCount} tokens were given, expected 1 to the ${entry.contextTokens} of the context`);
  await entry.sequence.clearHistory();
  return entry;
}
