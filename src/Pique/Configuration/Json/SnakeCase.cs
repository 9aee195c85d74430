using System.Text.Json;

namespace Pique.Configuration;

/// <summary>Enum values as recipes write them: tool_use for ToolUse.</summary>
public static class SnakeCase
{
    /// <summary>The name of a value.</summary>
    /// <param name="value">The value.</param>
    public static string Of<TEnum>(TEnum value) where TEnum : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    /// <summary>The names of all values, in their order.</summary>
    public static IReadOnlyList<string> NamesOf<TEnum>() where TEnum : struct, Enum => [.. Enum.GetValues<TEnum>().Select(Of)];
}
