using System.CommandLine;

namespace Pique.Cli.Commands;

/// <summary>pique config new|validate|show.</summary>
internal static class ConfigCommand
{
    public static Command Create(ContextFactory context) => new("config", "Write, check and show configurations and recipes.")
    {
        ConfigNewCommand.Create(context),
        ConfigValidateCommand.Create(context),
        ConfigShowCommand.Create(context),
    };
}
