using System.CommandLine;
using Pique.Benchmarks;

Option<bool> json = new("--json") { Description = "Print one JSON document instead of a table." };
Option<int?> threads = new("--threads") { Description = "Threads; one per processor where not given." };

Command quantizer = new("quantizer", "The quantizer's kernels beside their peers and their physical bounds.") { json, threads };
quantizer.SetAction(parsed => QuantizerBenchmark.Run(parsed.GetValue(json), parsed.GetValue(threads)));

Command peer = new("composite-lsq", "Milliseconds of the composite peer alone, with glibc's allocator as it comes.") { threads };
peer.SetAction(parsed => QuantizerBenchmark.RunPeer(parsed.GetValue(threads)));
peer.Hidden = true;

RootCommand root = new("Benchmarks of Pique. Each figure is the best of several runs; ratios are what counts.") { quantizer, peer };
return root.Parse(args).Invoke();
