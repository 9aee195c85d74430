using System.CommandLine;
using System.CommandLine.Parsing;
using Pique.Formats.Gguf;

namespace Pique.Cli;

/// <summary>What the option --format of pique export asks for.</summary>
/// <param name="IsGguf">A GGUF file; else a folder of safetensors.</param>
/// <param name="Type">Type to write weights as; null leaves the choice of exact ones.</param>
internal sealed record ExportFormat(bool IsGguf, GgufTensorType? Type)
{
    private const string Gguf = "gguf";
    private const string Safetensors = "safetensors";

    /// <summary>Makes the option.</summary>
    public static Option<ExportFormat> CreateOption() => new("--format")
    {
        Description = $"{Gguf}; {Gguf}:TYPE to write weights as one ggml type, as {Gguf}:q4_0, refused where it is not exact; or {Safetensors}, dequantized.",
        HelpName = $"{Gguf}[:TYPE]|{Safetensors}",
        DefaultValueFactory = _ => new ExportFormat(IsGguf: true, null),
        CustomParser = Parse,
    };

    private static ExportFormat? Parse(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        string[] parts = text.Split(':', 2);
        if (text == Safetensors)
        {
            return new ExportFormat(IsGguf: false, null);
        }

        if (parts[0] != Gguf)
        {
            argument.AddError($"--format: found {text}, expected {Gguf}, {Gguf}:TYPE or {Safetensors}. Write one of them.");
            return null;
        }

        if (parts.Length == 1)
        {
            return new ExportFormat(IsGguf: true, null);
        }

        if (GgufTensorTypes.TryParse(parts[1], out GgufTensorType type))
        {
            return new ExportFormat(IsGguf: true, type);
        }

        argument.AddError($"--format: found the type {parts[1]}, expected one of {string.Join(", ", Enum.GetValues<GgufTensorType>().Select(known => known.Name().ToLowerInvariant()))}. Write one of them after \"{Gguf}:\".");
        return null;
    }
}
