using System.Text.Json;
using System.Text.RegularExpressions;
using Pique.Configuration;

namespace Pique.Cli.Tests;

/// <summary>docs/recipes.md against the format itself.</summary>
public sealed partial class RecipesPageTests
{
    [Fact]
    public void The_example_is_a_valid_recipe()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("recipe.json", Example().Match(Page("recipes.md")).Groups[1].Value);
        (int exitCode, string output, string error) = FakeTerminal.Run("config", "validate", path);
        Assert.Equal((0, $"{path}: a valid training recipe.\n", ""), (exitCode, output, error));
    }

    [Fact]
    public void Every_field_has_a_row_with_its_default_and_no_other_row_is_there()
    {
        // Every object is there, each with its defaults; then what is null by default.
        Recipe whole = new()
        {
            Data = new() { Files = [new()], Curriculum = new() },
            Calibration = new() { Samples = new() },
            Training = new() { Blockwise = new(), TeacherCache = new() },
            Lora = new(),
            Overrides = [new()],
        };
        Dictionary<string, string> expected = Leaves(RecipeJson.Write(whole));
        foreach ((string path, string text) in Leaves(PretrainRecipeJson.Write(new())))
        {
            expected.TryAdd(path, text);
        }

        foreach (string path in (string[])["data.curriculum", "calibration.samples", "training.blockwise"])
        {
            expected[path] = "null";
        }

        string training = Page("training.md"), lora = Page("lora.md");
        foreach (string path in expected.Keys.Where(path => path.StartsWith("training.", StringComparison.Ordinal) && path.Count(character => character == '.') == 1 && path != "training.blockwise").ToArray())
        {
            Assert.Contains($"`{path["training.".Length..]}`", training, StringComparison.Ordinal);
            expected.Remove(path);
        }

        foreach (string path in expected.Keys.Where(path => path.StartsWith("lora.", StringComparison.Ordinal)).ToArray())
        {
            Assert.Contains($"| `{path["lora.".Length..]}` |", lora, StringComparison.Ordinal);
            expected.Remove(path);
        }

        Dictionary<string, string> rows = Row().Matches(Page("recipes.md")).ToDictionary(row => row.Groups[1].Value, row => row.Groups[2].Value.Trim('`'));
        Assert.Equal(expected.OrderBy(row => row.Key, StringComparer.Ordinal), rows.OrderBy(row => row.Key, StringComparer.Ordinal));
    }

    private static string Page(string name) => File.ReadAllText(Repository.PathOf("docs", name));

    /// <summary>The values that are neither an object nor a list, by path; what is empty must be given.</summary>
    private static Dictionary<string, string> Leaves(string json)
    {
        Dictionary<string, string> leaves = [];
        using JsonDocument document = JsonDocument.Parse(json);
        Visit(document.RootElement, "");
        return leaves;

        void Visit(JsonElement element, string path)
        {
            if (element.ValueKind == JsonValueKind.Object)
            {
                foreach (JsonProperty field in element.EnumerateObject())
                {
                    Visit(field.Value, path.Length == 0 ? field.Name : $"{path}.{field.Name}");
                }
            }
            else if (element.ValueKind == JsonValueKind.Array)
            {
                foreach (JsonElement item in element.EnumerateArray())
                {
                    Visit(item, path + "[]");
                }
            }
            else
            {
                leaves[path] = element.GetRawText() is var text && text == "\"\"" ? "required" : text;
            }
        }
    }

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();

    [GeneratedRegex(@"^\| `([^`]+)` \| (`[^`]+`|required) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
