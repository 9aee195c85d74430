using Pique.Data;
using Pique.Evaluation;

namespace Pique.Tests.Evaluation;

public class AnswerScoringTests
{
    private const string Call = """{"name":"add_event","arguments":{"title":"Café","hour":9,"tags":["a","b"],"all_day":false}}""";

    private static readonly DataRecord.Reasoning Problem = new("What is 6 × 7?", ["6 × 7 = 42"], "42");
    private static readonly DataRecord.ToolCall Request = new("Plan a visit.", Call);

    [Theory]
    [InlineData("6 × 7 = 42\n#### 42", true)]
    [InlineData("#### 42", true)]
    [InlineData("nonsense #### \t42 \r\n", true)]
    [InlineData("####42", true)]
    [InlineData("42", false)]
    [InlineData("### 42", false)]
    [InlineData("", false)]
    [InlineData("####", false)]
    [InlineData("#### 43", false)]
    [InlineData("#### 042", false)]
    [InlineData("#### 42.0", false)]
    [InlineData("#### 42 apples", false)]
    [InlineData("#### 42\nAnd another thing", false)]
    [InlineData("#### 41 #### 42", false)]
    [InlineData("#### 42 #### 42", false)]
    public void A_problem_is_solved_by_the_exact_answer_after_the_first_mark(string generated, bool correct) =>
        Assert.Equal(correct, AnswerScoring.IsCorrect(generated, Problem));

    [Fact]
    public void White_space_around_the_expected_answer_does_not_matter() =>
        Assert.True(AnswerScoring.IsCorrect("#### 42", Problem with { Answer = " 42\n" }));

    [Theory]
    [InlineData(Call)]
    [InlineData(" \n" + Call + "\t\n")]
    [InlineData("""{ "arguments" : { "tags": ["a", "b"], "all_day": false, "hour": 9, "title": "Café" }, "name": "add_event" }""")]
    [InlineData("""{"name":"add_event","arguments":{"title":"Caf\u00e9","hour":9.0,"tags":["a","b"],"all_day":false}}""")]
    [InlineData("""{"name":"add_event","arguments":{"title":"Café","hour":90e-1,"tags":["a","b"],"all_day":false}}""")]
    public void A_call_of_equal_value_is_right_whatever_its_notation(string generated) =>
        Assert.True(AnswerScoring.IsCorrect(generated, Request));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("add_event")]
    [InlineData("""{"name":"add_event"}""")]
    [InlineData("""{"name":"add_even","arguments":{"title":"Café","hour":9,"tags":["a","b"],"all_day":false}}""")]
    [InlineData("""{"name":"add_event","arguments":{"title":"Café","hour":"9","tags":["a","b"],"all_day":false}}""")]
    [InlineData("""{"name":"add_event","arguments":{"title":"Café","hour":9,"tags":["b","a"],"all_day":false}}""")]
    [InlineData("""{"name":"add_event","arguments":{"title":"Café","hour":9,"tags":["a","b"],"all_day":0}}""")]
    [InlineData("""{"name":"add_event","arguments":{"title":"Café","hour":9,"tags":["a","b"],"all_day":null}}""")]
    [InlineData("""{"name":"add_event","arguments":{"title":"café","hour":9,"tags":["a","b"],"all_day":false}}""")]
    [InlineData("""{"Name":"add_event","arguments":{"title":"Café","hour":9,"tags":["a","b"],"all_day":false}}""")]
    [InlineData("""{"name":"add_event","arguments":{"title":"Café","hour":9,"tags":["a","b"],"all_day":false,"note":null}}""")]
    [InlineData("""{"name":"add_event","name":"add_event","arguments":{"title":"Café","hour":9,"tags":["a","b"],"all_day":false}}""")]
    [InlineData("""{"name":"add_event","arguments":{"title":"Café","hour":9,"tags":["a","b"],"all_day":false}""")]
    [InlineData("""{"name":"add_event","arguments":{"title":"Café","hour":9,"tags":["a","b",],"all_day":false}}""")]
    [InlineData("""{"name":"add_event","arguments":{"title":"Caf\ud83d","hour":9,"tags":["a","b"],"all_day":false}}""")]
    [InlineData("""{"name":"add_event","arguments":{"\ud83d":"Café","hour":9,"tags":["a","b"],"all_day":false}}""")]
    [InlineData(Call + "\nAnything else?")]
    [InlineData(Call + Call)]
    [InlineData("{'name':'add_event'}")]
    public void Any_other_text_is_a_wrong_call(string generated) => Assert.False(AnswerScoring.IsCorrect(generated, Request));

    [Fact]
    public void Half_a_character_makes_a_call_wrong() => Assert.False(AnswerScoring.IsCorrect($"\"{'\ud83d'}\"", Request));

    [Theory]
    [InlineData("[")]
    [InlineData("{\"a\":")]
    public void A_call_nested_without_end_is_wrong_and_harmless(string opening)
    {
        string nested = string.Concat(Enumerable.Repeat(opening, 100_000));

        Assert.False(AnswerScoring.IsCorrect(nested, Request));
        Assert.False(AnswerScoring.IsCorrect(new string('[', 100_000) + new string(']', 100_000), Request));
    }

    [Fact]
    public void An_expected_call_that_does_not_parse_is_the_datas_fault() => Assert.Equal(
        "The expected call is no valid JSON: {\"name\":. Correct the record.",
        Assert.Throws<InputException>(() => AnswerScoring.IsCorrect(Call, new DataRecord.ToolCall("Do.", "{\"name\":"))).Message);
}
