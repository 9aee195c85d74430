using System.CommandLine;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.Tokenizers;
using Pique.Models.Generation;

namespace Pique.Cli.Commands;

/// <summary>pique generate: continues a prompt and prints the text as it comes.</summary>
internal static class GenerateCommand
{
    private const int DefaultMaxTokens = 256;

    public static Command Create(ContextFactory context)
    {
        var model = new Argument<string>("MODEL") { Description = "Hugging Face folder, packed folder, .gguf file or llama2.c .bin file." };
        var prompt = new Option<string>("--prompt") { Description = "Text to continue; may be empty where the model knows a token that opens a text.", HelpName = "TEXT", Required = true };
        var maxTokens = new Option<int>("--max-tokens") { Description = "Most tokens to write.", HelpName = "N", DefaultValueFactory = _ => DefaultMaxTokens };
        var temperature = new Option<double>("--temperature") { Description = "Divisor of the logits; 0 always takes the likeliest token.", HelpName = "T", DefaultValueFactory = _ => 0 };
        var topP = new Option<double>("--top-p") { Description = "Sample from the likeliest tokens that together have this probability.", HelpName = "P", DefaultValueFactory = _ => 1 };
        var command = new Command("generate", "Continue a prompt.") { model, prompt, maxTokens, temperature, topP };
        command.SetAction(parsed =>
        {
            CommandContext settings = context(parsed);
            settings.StartTorch();
            return Run(settings, parsed.GetRequiredValue(model), parsed.GetRequiredValue(prompt), new GenerationOptions
            {
                MaxTokens = parsed.GetValue(maxTokens),
                Temperature = parsed.GetValue(temperature),
                TopP = parsed.GetValue(topP),
                Seed = settings.Seed ?? 0,
            });
        });
        return command;
    }

    private static int Run(CommandContext context, string modelPath, string prompt, GenerationOptions options)
    {
        using LoadedModel model = ModelLoader.Load(modelPath);
        IReadOnlyList<int> promptIds = Encode(model, prompt);

        // Models trained on texts one after another announce the next one with its opening token.
        int?[] stops = [model.Tokenizer.EndOfTextId, model.Tokenizer.BeginOfTextId];
        options = options with { StopIds = [.. stops.OfType<int>()] };
        var text = new IncrementalDecoder(model.Tokenizer, continuation: prompt.Length > 0);
        TextWriter? stream = context.Json ? null : context.Terminal.OutputText;
        string pending = prompt; // Shown with the first token, when the generator has accepted it.
        GeneratedSequence sequence;
        try
        {
            sequence = TokenGenerator.Generate(model.Model, promptIds, options, Show, context.Cancellation);
        }
        catch (OperationCanceledException)
        {
            stream?.WriteLine();
            context.Terminal.WriteErrorLine("interrupted.");
            return ExitCode.Interrupted;
        }

        stream?.WriteLine(pending + text.Finish());
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, new JsonObject
            {
                ["model"] = modelPath,
                ["prompt"] = prompt,
                ["text"] = model.Tokenizer.Decode(sequence.TokenIds, continuation: prompt.Length > 0),
                ["tokens"] = sequence.TokenIds.Count,
                ["finish_reason"] = SnakeCase.Of(sequence.FinishReason),
            });
        }

        return ExitCode.Done;

        void Show(int token)
        {
            stream?.Write(pending + text.Add(token));
            pending = "";
        }
    }

    private static List<int> Encode(LoadedModel model, string prompt)
    {
        IReadOnlyList<UnknownCharacter> unknown = model.Tokenizer.UnknownCharacters(prompt);
        if (unknown.Count > 0)
        {
            throw new InputException(
                $"--prompt: found {string.Join(", ", unknown)}, expected characters of the vocabulary of {model.Path}. Remove or replace {(unknown.Count == 1 ? "it" : "them")}.");
        }

        List<int> ids = model.Tokenizer.BeginOfTextId is { } begin ? [begin] : [];
        ids.AddRange(model.Tokenizer.Encode(prompt));
        return ids.Count > 0
            ? ids
            : throw new InputException($"--prompt: found no text, expected some: {model.Path} has no token that opens a text. Give at least one character.");
    }
}
