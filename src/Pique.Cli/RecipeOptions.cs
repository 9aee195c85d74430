using System.CommandLine;
using System.CommandLine.Parsing;
using Pique.Configuration;

namespace Pique.Cli;

/// <summary>What train and calibrate work on: a RECIPE, or --config, --model and --data together, with --grid.</summary>
/// <param name="modelDescription">What --model takes, for the help.</param>
internal sealed class RecipeOptions(string modelDescription)
{
    private readonly Argument<string?> _recipe = new("RECIPE") { Description = "Recipe file; or give --config, --model and --data instead.", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _config = new("--config") { Description = $"Configuration file or preset ({string.Join(", ", Presets.Names)}).", HelpName = "FILE|PRESET" };
    private readonly Option<string?> _model = new("--model") { Description = modelDescription, HelpName = "DIR" };
    private readonly Option<string[]> _data = new("--data") { Description = DataArgument.Description, HelpName = "FILE", AllowMultipleArgumentsPerToken = true };
    private readonly Option<WeightGrid?> _grid = GridOption.Create("auto");

    /// <summary>Makes a command of the argument and the options, with the check that they go together.</summary>
    /// <param name="name">Name of the command.</param>
    /// <param name="description">What it does.</param>
    /// <param name="others">Its other options.</param>
    public Command CreateCommand(string name, string description, params IEnumerable<Option> others)
    {
        var command = new Command(name, description) { _recipe };
        foreach (Option option in (IEnumerable<Option>)[_config, _model, _data, _grid, .. others])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result => Validate(name, result));
        return command;
    }

    /// <summary>The recipe that the command line names or composes.</summary>
    /// <param name="parsed">The command line.</param>
    /// <exception cref="InputException">A file cannot be read, or is of another kind.</exception>
    /// <exception cref="ConfigurationException">A value is wrong; lists every fault.</exception>
    public Recipe Read(ParseResult parsed) => parsed.GetValue(_recipe) is { } path
        ? Load(path)
        : RecipeComposer.Compose(
            ConfigOf(parsed.GetRequiredValue(_config)!), parsed.GetRequiredValue(_model)!, parsed.GetRequiredValue(_data), parsed.GetValue(_grid) ?? WeightGrid.Auto);

    private void Validate(string command, CommandResult result)
    {
        bool hasRecipe = result.GetResult(_recipe) is { Tokens.Count: > 0 };
        int given = new Option[] { _config, _model, _data }.Count(option => result.GetResult(option) is { Implicit: false });
        if (hasRecipe ? given > 0 : given < 3)
        {
            result.AddError($"{command} takes either a RECIPE, or --config, --model and --data together.");
        }
        else if (hasRecipe && result.GetResult(_grid) is { Implicit: false })
        {
            result.AddError("--grid goes with --config; a RECIPE states its own \"grid\".");
        }
    }

    private static Recipe Load(string path) => ConfigurationSource.Resolve(path) switch
    {
        ConfigurationSource.Training training => training.Recipe,
        ConfigurationSource.Bare => throw new InputException($"{path}: found a configuration alone, expected a recipe. Give it as --config, with --model and --data."),
        _ => throw new InputException($"{path}: found a pretraining recipe, expected a training recipe. Run it with pique pretrain."),
    };

    private static QatConfig ConfigOf(string nameOrPath) => ConfigurationSource.Resolve(nameOrPath) is ConfigurationSource.Bare bare
        ? bare.Config
        : throw new InputException($"--config: {nameOrPath} is a recipe, expected a configuration alone. Give it as RECIPE, without --config, --model and --data.");
}
