using System.CommandLine;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Formats.Verification;
using Pique.Pipeline;

namespace Pique.Cli.Commands;

/// <summary>pique verify: recomputes the digests of a file or folder and checks its structure.</summary>
internal static class VerifyCommand
{
    public static Command Create(ContextFactory context)
    {
        var path = new Argument<string>("PATH") { Description = "GGUF or safetensors file; model, checkpoint or run folder." };
        var command = new Command("verify", "Check that a file or folder is as it was written: digests, structure, finite weights.") { path };
        command.SetAction(parsed =>
        {
            CommandContext settings = context(parsed);
            settings.StartTorch();
            return Run(settings, parsed.GetRequiredValue(path));
        });
        return command;
    }

    private static int Run(CommandContext context, string path)
    {
        VerificationReport report = ModelVerifier.Verify(path);
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, Document(report));
        }
        else
        {
            Tables.DrawPairs(context.Terminal.Output, [("path", path), ("kind", report.Kind), ("result", report.Summary)]);
            Tables.Draw(
                context.Terminal.Output,
                ["file", "part", "status", "detail"],
                report.Items.Select(item => (IReadOnlyList<string>)[item.File, item.Name, NameOf(item.Status), item.Detail]),
                1,
                2,
                3);
        }

        return report.Fault is null ? ExitCode.Done : throw new InputException(report.Fault);
    }

    private static JsonObject Document(VerificationReport report) => new()
    {
        ["path"] = report.Path,
        ["kind"] = report.Kind,
        ["sound"] = report.IsSound,
        ["summary"] = report.Summary,
        ["parts"] = new JsonArray([.. report.Items.Select(item => (JsonNode)new JsonObject
        {
            ["file"] = item.File,
            ["part"] = item.Name,
            ["status"] = NameOf(item.Status).Replace(' ', '_'),
            ["detail"] = item.Detail,
        })]),
    };

    private static string NameOf(VerificationStatus status) => status switch
    {
        VerificationStatus.Ok => "ok",
        VerificationStatus.NoDigest => "no digest",
        VerificationStatus.NotFinite => "not finite",
        _ => "corrupt",
    };
}
