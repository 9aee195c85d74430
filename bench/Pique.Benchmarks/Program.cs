using System.CommandLine;
using Pique.Benchmarks;
using Pique.Benchmarks.Calibration;
using Pique.Benchmarks.HostileFiles;
using Pique.Benchmarks.Incoherence;
using Pique.Benchmarks.LoraMemory;
using Pique.Benchmarks.PiQuantization;
using Pique.Benchmarks.Results;
using Pique.Benchmarks.TrainingSteps;
using Pique.Configuration;

Option<bool> json = new("--json") { Description = "Print one JSON document instead of a table." };
Option<int?> threads = new("--threads") { Description = "Threads; one per processor where not given." };

Command quantizer = new("quantizer", "The quantizer's kernels beside their peers and their physical bounds; each figure is the best of several runs, ratios are what counts.") { json, threads };
quantizer.SetAction(parsed => QuantizerBenchmark.Run(parsed.GetValue(json), parsed.GetValue(threads)));

Command objective = new("objective", "The fused objective beside the same losses by plain operations; each figure is the best of several runs, ratios are what counts.") { json, threads };
objective.SetAction(parsed => ObjectiveBenchmark.Run(parsed.GetValue(json), parsed.GetValue(threads)));

Command peer = new("composite-lsq", "Milliseconds of the composite peer alone, with glibc's allocator as it comes.") { threads };
peer.SetAction(parsed => QuantizerBenchmark.RunPeer(parsed.GetValue(threads)));
peer.Hidden = true;

Option<string?> ffht = new("--ffht") { Description = "Shared library of FFHT, built from its own sources, to measure beside.", HelpName = "FILE" };
Command hadamard = new("hadamard", "The Hadamard transform beside plain torch operations, the product with the dense matrix, FFHT and the memory's copy bandwidth.") { ffht, json, threads };
hadamard.SetAction(parsed => HadamardBenchmark.Run(parsed.GetValue(ffht), parsed.GetValue(json), parsed.GetValue(threads)));

Option<string[]> models = new("--model") { Description = "Folder of a model, once or more often.", HelpName = "DIR", DefaultValueFactory = _ => [PiQuantizationStudy.DefaultModel] };
Option<string?> text = new("--text") { Description = "Text to measure and train on; the synthetic curriculum where not given.", HelpName = "FILE" };
Option<int> steps = new("--steps") { Description = "Steps of each training; 0 for none.", DefaultValueFactory = _ => PiQuantizationStudy.DefaultSteps };
Option<float> scaleRate = new("--scale-rate") { Description = "Learning rate of the scales in training.", DefaultValueFactory = _ => PiQuantizationStudy.DefaultScaleRate };
Command pi = new("pi-quantization", "Pi-scaled against uniform grids: at fixed scale, at the best scale, and after training.") { models, text, steps, scaleRate, json, threads };
pi.SetAction(parsed => PiQuantizationStudy.Run(parsed.GetRequiredValue(models), parsed.GetValue(text), parsed.GetValue(steps), parsed.GetValue(scaleRate), parsed.GetValue(threads), parsed.GetValue(json)));

Option<int> count = new("--count") { Description = "Damaged files to read.", DefaultValueFactory = _ => Soak.DefaultCount };
Option<long> seed = new("--seed") { Description = "Seed of the damage.", DefaultValueFactory = _ => Soak.DefaultSeed };
Option<long> first = new("--first") { Description = "Number of the first case, to repeat one that failed." };
Command soak = new("soak", "Reads randomly damaged model files; each must be read or refused by an error of the library's own, anything else ends the soak and is saved.") { count, seed, first, json, threads };
soak.SetAction(parsed => Soak.Run(parsed.GetValue(count), parsed.GetValue(seed), parsed.GetValue(first), parsed.GetValue(threads), parsed.GetValue(json)));

Option<CalibrationPart[]> parts = new("--part") { Description = "Part of the study, once or more often; all where not given.", DefaultValueFactory = _ => Enum.GetValues<CalibrationPart>() };
Command calibration = new("calibration", "Methods of calibration, divisions of bits over layers, and starts of training.") { models, text, parts, steps, json, threads };
calibration.SetAction(parsed => CalibrationStudy.Run(parsed.GetRequiredValue(models), parsed.GetValue(text), parsed.GetRequiredValue(parts), parsed.GetValue(steps), parsed.GetValue(threads), parsed.GetValue(json)));

Option<bool> whole = new("--whole") { Description = "Also run all that \"pique train\" does, measuring and exporting included." };
Command loraMemory = new("lora-memory", "Peak memory of training adapters on a model of the shape of Qwen2.5-0.5B under its teacher, 1×512 tokens.") { whole, json, threads };
loraMemory.SetAction(parsed => LoraMemoryBenchmark.Run(parsed.GetValue(json), parsed.GetValue(threads), parsed.GetValue(whole)));

Option<string> folder = new("--folder") { Required = true };
Option<FrozenStorage> storage = new("--base") { Required = true };
Option<string?> run = new("--run");
Command loraMemoryRun = new(LoraMemoryBenchmark.ChildCommand, "One case of lora-memory in this process.") { folder, storage, run, threads };
loraMemoryRun.SetAction(parsed => LoraMemoryBenchmark.RunChild(parsed.GetRequiredValue(folder), parsed.GetRequiredValue(storage), parsed.GetValue(run), parsed.GetValue(threads)));
loraMemoryRun.Hidden = true;

Command incoherence = new("incoherence", "Models rounded as they are and rotated, and the same with planted outliers; no training.") { models, text, json, threads };
incoherence.SetAction(parsed => IncoherenceStudy.Run(parsed.GetRequiredValue(models), parsed.GetValue(text), parsed.GetValue(threads), parsed.GetValue(json)));

Option<string[]> shapes = new("--shape") { Description = "Shape A or B, or both.", DefaultValueFactory = _ => [.. TrainingShape.All.Select(shape => shape.Name)] };
Command training = new("training", "Training steps beside those of the same model in plain TorchSharp operations, taking turns; medians.") { shapes, json, threads };
training.SetAction(parsed => TrainingBenchmark.Run(parsed.GetRequiredValue(shapes), parsed.GetValue(json), parsed.GetValue(threads)));

Option<string> shapeOfChild = new("--shape") { Required = true };
Option<StepKind> kind = new("--kind") { Required = true };
Option<bool> engine = new("--engine") { Required = true };
Option<bool> fastMath = new("--fast-math") { DefaultValueFactory = _ => true };
Command stepServer = new(StepServer.ChildCommand, "Steps of one kind, one for every line of input.") { shapeOfChild, kind, engine, fastMath, threads };
stepServer.SetAction(parsed => StepServer.Serve(parsed.GetRequiredValue(shapeOfChild), parsed.GetRequiredValue(kind), parsed.GetRequiredValue(engine), parsed.GetRequiredValue(fastMath), parsed.GetValue(threads)));
stepServer.Hidden = true;
Command stepMemory = new(StepMemory.ChildCommand, "Peak memory of a step in this process.") { shapeOfChild, engine, threads };
stepMemory.SetAction(parsed => StepMemory.RunChild(parsed.GetRequiredValue(shapeOfChild), parsed.GetRequiredValue(engine), parsed.GetValue(threads)));
stepMemory.Hidden = true;

Command results = new("results", "Every way to a model of two and three bits: rounding, GPTQ, training, with rotation, with adapters. Takes most of an hour.") { models, text, json, threads };
results.SetAction(parsed => ResultsBenchmark.Run(parsed.GetRequiredValue(models), parsed.GetValue(text), parsed.GetValue(json), parsed.GetValue(threads)));

Option<string> modelOfRow = new("--model") { Required = true };
Option<int> bits = new("--bits") { Required = true };
Option<string> method = new("--method") { Required = true };
Command resultsRow = new(ResultsBenchmark.ChildCommand, "One row of the results in this process.") { modelOfRow, text, bits, method, threads };
resultsRow.SetAction(parsed => ResultsBenchmark.RunChild(parsed.GetRequiredValue(modelOfRow), parsed.GetValue(text), parsed.GetRequiredValue(bits), parsed.GetRequiredValue(method), parsed.GetValue(threads)));
resultsRow.Hidden = true;

RootCommand root = new("Benchmarks of Pique.") { quantizer, objective, training, hadamard, pi, calibration, incoherence, results, soak, loraMemory, loraMemoryRun, peer, stepServer, stepMemory, resultsRow };
return root.Parse(args).Invoke();
