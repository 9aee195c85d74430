using System.CommandLine;
using Pique.Configuration;

namespace Pique.Cli.Commands;

/// <summary>pique config new|validate|show.</summary>
internal static class ConfigCommand
{
    public static Command Create(ContextFactory context)
    {
        return new Command("config", "Write, check and show configurations and recipes.");
    }
}
