using Pique.Cli;
using Pique.Cli.Rendering;

return await CommandLine.RunAsync(args, Terminal.System(), TimeProvider.System);
