using Pique.Interop.Tests.Fixture;

[assembly: AssemblyFixture(typeof(LlamaCpp))]

namespace Pique.Interop.Tests.Fixture;

/// <summary>The real llama.cpp, as the npm package node-llama-cpp ships it: installed before the first test, gone after the last.</summary>
/// <remarks>
/// A test class takes it as a parameter of its constructor. Where it cannot be had, for want of Node.js, a network or another processor, the
/// test that asks for it is skipped with the reason.
/// Models run in a process of their own, driven by <c>Node/llama.mjs</c>: an assertion in llama.cpp ends that process, not the tests, and
/// the next test gets another. The script hands over the logits as llama.cpp computes them, float32 and all of them, with keys and values
/// cached in float32 too; nothing is sampled, cut off or rounded on the way, so nothing would be gained by calling llama.cpp's C interface,
/// whose structures change from release to release. Blocks are the exception: no script can show single weights, so ggml's functions that
/// read them are called from here. They are pure, and take two addresses and a count.
/// </remarks>
public sealed class LlamaCpp : IAsyncLifetime
{
    private readonly Lock _lock = new();
    private NodePackages? _packages;
    private string? _missing;
    private LlamaCppScript? _script;
    private GgmlBlocks? _blocks;

    /// <summary>ggml's reading of block formats.</summary>
    internal GgmlBlocks Blocks
    {
        get
        {
            lock (_lock)
                return _blocks ??= new GgmlBlocks(Path.Combine(PackagesOrSkip().LibraryFolder, "libggml-base.so"));
        }
    }

    /// <summary>Installs the packages, unless they are installed already.</summary>
    public ValueTask InitializeAsync()
    {
        try
        {
            _packages = NodePackages.Install(Path.Combine(AppContext.BaseDirectory, "Node"));
        }
        catch (LlamaCppMissingException missing)
        {
            _missing = missing.Message;
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Skips the running test where llama.cpp cannot be had; for tests that prepare much before they ask for it.</summary>
    public void SkipIfMissing() => PackagesOrSkip();

    /// <summary>Loads a model with its weights.</summary>
    /// <param name="path">GGUF file.</param>
    /// <param name="contextTokens">Longest sequence it will be given.</param>
    internal LlamaCppModel Load(string path, int contextTokens) => new(Script(), path, contextTokens);

    /// <summary>Loads a model's vocabulary, which can do nothing but tokenize.</summary>
    /// <param name="path">GGUF file, with weights or without.</param>
    internal LlamaCppModel LoadVocabulary(string path) => new(Script(), path, contextTokens: null);

    /// <summary>Starts a script of the caller's own.</summary>
    internal LlamaCppScript StartScript() => new(PackagesOrSkip().Folder);

    /// <summary>Ends the script.</summary>
    public ValueTask DisposeAsync()
    {
        _script?.Dispose();
        _blocks?.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The running script; another one where it ended, so that one test's crash is not every test's.</summary>
    private LlamaCppScript Script()
    {
        lock (_lock)
        {
            if (_script is { HasExited: true })
            {
                _script.Dispose();
                _script = null;
            }

            return _script ??= StartScript();
        }
    }

    private NodePackages PackagesOrSkip()
    {
        Assert.SkipWhen(_missing is not null, $"llama.cpp is missing: {_missing}");
        return _packages!;
    }
}
