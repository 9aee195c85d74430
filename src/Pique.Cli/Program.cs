using Pique.Cli;
using Pique.Cli.Rendering;

// No await anywhere before training: it is to run on the first thread of the process, where the allocator keeps large buffers.
using var interruption = new Interruption();
return CommandLine.Run(args, Terminal.System(), TimeProvider.System, interruption.Token);
