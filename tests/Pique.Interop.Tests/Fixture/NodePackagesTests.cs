namespace Pique.Interop.Tests.Fixture;

public sealed class NodePackagesTests(LlamaCpp llamaCpp)
{
    [Fact]
    public void What_npm_cannot_install_is_missing_with_npms_reason()
    {
        llamaCpp.SkipIfMissing();
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("package.json"), """{"dependencies":{"ours":"1.0.0"}}""");
        File.WriteAllText(folder.File("package-lock.json"), """{"lockfileVersion":3,"packages":{"":{}}}""");

        LlamaCppMissingException error = Assert.Throws<LlamaCppMissingException>(() => NodePackages.Install(folder.Path));

        Assert.StartsWith("\"npm ci\" ended with code 1: npm error code ", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("node_modules/.installed-lock-sha256")));
    }

    [Fact]
    public void A_lock_file_is_installed_once_and_a_changed_one_anew()
    {
        llamaCpp.SkipIfMissing();
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder.File("ours"));
        File.WriteAllText(folder.File("ours/package.json"), """{"name":"ours","version":"1.0.0"}""");
        File.WriteAllText(folder.File("package.json"), """{"dependencies":{"ours":"file:ours"}}""");
        const string Lock = """{"lockfileVersion":3,"packages":{"":{"dependencies":{"ours":"file:ours"}},"node_modules/ours":{"resolved":"ours","link":true},"ours":{"version":"1.0.0"}}}""";
        File.WriteAllText(folder.File("package-lock.json"), Lock);
        string witness = folder.File("node_modules/witness");

        Assert.Equal(folder.Path, NodePackages.Install(folder.Path).Folder);
        Assert.True(File.Exists(folder.File("node_modules/ours/package.json")));
        File.WriteAllText(witness, "");
        NodePackages.Install(folder.Path);
        Assert.True(File.Exists(witness));
        File.WriteAllText(folder.File("package-lock.json"), Lock + "\n");
        NodePackages.Install(folder.Path);
        Assert.False(File.Exists(witness));
    }
}
