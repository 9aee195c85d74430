using System.CommandLine;
using Pique.Benchmarks;
using Pique.Benchmarks.Incoherence;
using Pique.Benchmarks.PiQuantization;

Option<bool> json = new("--json") { Description = "Print one JSON document instead of a table." };
Option<int?> threads = new("--threads") { Description = "Threads; one per processor where not given." };

Command quantizer = new("quantizer", "The quantizer's kernels beside their peers and their physical bounds; each figure is the best of several runs, ratios are what counts.") { json, threads };
quantizer.SetAction(parsed => QuantizerBenchmark.Run(parsed.GetValue(json), parsed.GetValue(threads)));

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

Command incoherence = new("incoherence", "Models rounded as they are and rotated, and the same with planted outliers; no training.") { models, text, json, threads };
incoherence.SetAction(parsed => IncoherenceStudy.Run(parsed.GetRequiredValue(models), parsed.GetValue(text), parsed.GetValue(threads), parsed.GetValue(json)));

RootCommand root = new("Benchmarks of Pique.") { quantizer, hadamard, pi, incoherence, peer };
return root.Parse(args).Invoke();
