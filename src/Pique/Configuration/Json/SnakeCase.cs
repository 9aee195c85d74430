using System.Text.Json;

namespace Pique.Configuration;

/// <summary>Enum values as recipes write them: tool_use for ToolUse.</summary>
internal static class SnakeCase
{
    public static string Of<TEnum>(TEnum value) where TEnum : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public static IReadOnlyList<string> NamesOf<TEnum>() where TEnum : struct, Enum => [.. Enum.GetValues<TEnum>().Select(Of)];
}
