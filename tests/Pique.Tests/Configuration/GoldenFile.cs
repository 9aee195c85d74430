namespace Pique.Tests.Configuration;

/// <summary>The golden files beside these tests.</summary>
internal static class GoldenFile
{
    public static string[] ReadLines(string name) => File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Configuration", "Golden", name));
}
