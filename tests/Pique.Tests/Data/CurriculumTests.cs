using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pique.Configuration;
using Pique.Data;

namespace Pique.Tests.Data;

public sealed partial class CurriculumTests
{
    private static readonly CurriculumOptions Many = new(General: 10_000, Reasoning: 20_000, ToolUse: 10_000, Seed: 1);

    [Fact]
    public void The_first_records_of_each_domain_are_these()
    {
        string printed = string.Join(
            "\n---\n",
            Curriculum.Train(new CurriculumOptions(2, 2, 2, Seed: 1)).OrderBy(record => record.Domain).Select(TextOf));
        Assert.Equal(GoldenSample.ReplaceLineEndings("\n"), printed);
    }

    [Fact]
    public void Train_and_held_out_share_neither_text_nor_content()
    {
        // The same seed on both sides: disjointness must not hang on the seeds.
        CurriculumRecord[] train = [.. Curriculum.TrainWithKeys(Many)];
        CurriculumRecord[] heldOut = [.. Curriculum.HeldOutWithKeys(Many with { General = 3000, Reasoning = 3000, ToolUse = 3000 })];

        HashSet<string> trainKeys = [.. train.Select(record => record.ContentKey)];
        HashSet<string> trainTexts = [.. train.Select(record => TextOf(record.Record))];
        Assert.DoesNotContain(heldOut, record => trainKeys.Contains(record.ContentKey));
        Assert.DoesNotContain(heldOut, record => trainTexts.Contains(TextOf(record.Record)));

        // The calculation and the call themselves, taken from the records and not from their keys.
        HashSet<string> trainContent = [.. train.Select(record => ContentOf(record.Record)).OfType<string>()];
        Assert.DoesNotContain(heldOut, record => ContentOf(record.Record) is string content && trainContent.Contains(content));
    }

    [Fact]
    public void Equal_options_give_equal_records_and_another_seed_gives_others()
    {
        CurriculumOptions options = new(50, 50, 50, Seed: 7);
        string[] first = [.. Curriculum.Train(options).Select(TextOf)];
        Assert.Equal(first, Curriculum.Train(options).Select(TextOf));
        Assert.NotEqual(first, Curriculum.Train(options with { Seed = 8 }).Select(TextOf));
    }

    [Fact]
    public void A_record_does_not_depend_on_the_counts_of_other_domains()
    {
        string[] alone = [.. Curriculum.Train(new CurriculumOptions(0, 20, 0, 3)).Select(TextOf)];
        string[] together = [.. Curriculum.Train(new CurriculumOptions(9, 40, 5, 3)).Where(r => r.Domain == DataDomain.Reasoning).Take(20).Select(TextOf)];
        Assert.Equal(alone, together);
    }

    [Fact]
    public void Domains_are_interleaved_by_their_shares()
    {
        DataDomain[] domains = [.. Curriculum.Train(new CurriculumOptions(10, 20, 10, 0)).Select(record => record.Domain)];
        for (int start = 0; start < domains.Length; start += 4)
        {
            Assert.Equal(2, domains.Skip(start).Take(4).Count(domain => domain == DataDomain.Reasoning));
        }
    }

    [Fact]
    public void Every_problem_is_solved_by_its_steps()
    {
        foreach (DataRecord.Reasoning problem in Curriculum.Train(Many with { General = 0, ToolUse = 0 }).Cast<DataRecord.Reasoning>())
        {
            Assert.InRange(problem.Steps.Count, 3, 4);
            int result = 0;
            foreach (string step in problem.Steps.SkipLast(1))
            {
                Match match = Calculation().Match(step);
                Assert.True(match.Success, step);
                int left = Number(match.Groups[1].Value);
                int right = Number(match.Groups[3].Value);
                int expected = match.Groups[2].Value switch { "+" => left + right, "-" => left - right, _ => left * right };
                result = Number(match.Groups[4].Value);
                Assert.Equal(expected, result);
                Assert.InRange(result, 2, 99);
            }

            Assert.Equal(problem.Answer, result.ToString(CultureInfo.InvariantCulture));
            Assert.Contains($" {problem.Answer} ", problem.Steps[^1], StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_number_of_a_problem_is_used_once_by_its_steps_in_order()
    {
        foreach (DataRecord.Reasoning problem in Curriculum.Train(Many with { General = 0, ToolUse = 0 }).Cast<DataRecord.Reasoning>())
        {
            if (problem.Prompt.Contains(" than ", StringComparison.Ordinal))
            {
                continue;
            }

            string[] given = [.. Digits().Matches(problem.Prompt).Select(match => match.Value)];
            Match[] steps = [.. problem.Steps.SkipLast(1).Select(step => Calculation().Match(step))];
            Assert.Equal<IEnumerable<string>>(given, [steps[0].Groups[1].Value, .. steps.Select(step => step.Groups[3].Value)]);
        }
    }

    [Fact]
    public void Every_call_is_JSON_on_one_line_whose_arguments_are_words_of_the_request()
    {
        HashSet<string> tools = [];
        foreach (DataRecord.ToolCall call in Curriculum.Train(Many with { General = 0, Reasoning = 0 }).Cast<DataRecord.ToolCall>())
        {
            Assert.DoesNotContain('\n', call.Call);
            using JsonDocument document = JsonDocument.Parse(call.Call);
            Assert.Equal(["name", "arguments"], document.RootElement.EnumerateObject().Select(property => property.Name));
            tools.Add(document.RootElement.GetProperty("name").GetString()!);
            foreach (JsonProperty argument in document.RootElement.GetProperty("arguments").EnumerateObject())
            {
                Assert.Contains(argument.Value.ToString(), call.Prompt, StringComparison.Ordinal);
            }
        }

        Assert.Equal(
            ["add_event", "convert", "play_music", "search", "send_message", "set_light", "timer", "weather"],
            tools.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Stories_are_short_and_their_vocabulary_is_small()
    {
        HashSet<string> words = [];
        foreach (DataRecord.Text story in Curriculum.Train(Many with { Reasoning = 0, ToolUse = 0 }).Cast<DataRecord.Text>())
        {
            MatchCollection matches = Words().Matches(story.Content);
            Assert.InRange(matches.Count, 40, 90);
            words.UnionWith(matches.Select(match => match.Value.ToLowerInvariant()));
        }

        Assert.InRange(words.Count, 150, 350);
    }

    [Fact]
    public void About_one_content_key_in_eight_is_held_out()
    {
        int heldOut = Enumerable.Range(0, 80_000).Count(number => Curriculum.IsHeldOut($"problem {number}"));
        Assert.InRange(heldOut, 9_600, 10_400);
    }

    [Fact]
    public void A_negative_count_is_refused()
    {
        InputException error = Assert.Throws<InputException>(() => Curriculum.Train(new CurriculumOptions(1, -2, 1)));
        Assert.Equal("curriculum: -2 Reasoning records were asked for; give 0 or more.", error.Message);
    }

    private static string TextOf(DataRecord record) => record switch
    {
        DataRecord.Text text => text.Content,
        DataRecord.Reasoning problem => $"{problem.Prompt}\n{string.Join('\n', problem.Steps)}\n#### {problem.Answer}",
        DataRecord.ToolCall call => $"{call.Prompt}\n{call.Call}",
        _ => throw new InvalidOperationException(record.ToString()),
    };

    private static string? ContentOf(DataRecord record) => record switch
    {
        DataRecord.Reasoning problem => string.Join(' ', problem.Steps.SkipLast(1)),
        DataRecord.ToolCall call => call.Call,
        _ => null,
    };

    private static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(\d+) ([-+*]) (\d+) = (\d+)\.$")]
    private static partial Regex Calculation();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();

    [GeneratedRegex(@"[A-Za-z']+")]
    private static partial Regex Words();

    private const string GoldenSample =
        """
        Once upon a time, there was a little boy named Sam. He loved his cow and his soft ball. Sam's mom made a very good bun for him. At the farm, Ann was sad and had nothing to eat. Sam looked at the bun and then at Ann. "You can have some," he said. They ate the bun and gave a little to the cow. From that day on, Sam and Ann played every day.
        ---
        One day, a little boy named Jack went to the school. He liked to play with a red kite and a bird. Jack and Mia played at the school. Soon the sun went away and the rain came. The bird ran under a tree and the kite got wet. "Let us go home," said Mia. At home they ate a warm cake and looked at the rain. They laughed and went home. It was a good day.
        ---
        Lily has 10 cups. She loses 8. Lucy gives her 8 more. She finds 8 more. How many cups does Lily have now?
        10 - 8 = 2.
        2 + 8 = 10.
        10 + 8 = 18.
        Lily has 18 cups.
        #### 18
        ---
        There are 3 groups of 5 frogs in the forest. Then 3 go away. How many frogs are in the forest?
        3 * 5 = 15.
        15 - 3 = 12.
        There are 12 frogs.
        #### 12
        ---
        What is the weather in Berlin on Monday?
        {"name":"weather","arguments":{"city":"Berlin","day":"Monday"}}
        ---
        What is the weather in Madrid on Monday?
        {"name":"weather","arguments":{"city":"Madrid","day":"Monday"}}
        """;
}
