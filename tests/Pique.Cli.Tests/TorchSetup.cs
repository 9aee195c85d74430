using System.Runtime.CompilerServices;

namespace Pique.Cli.Tests;

/// <summary>Loads libtorch before the first test, so that every test may use tensors.</summary>
internal static class TorchSetup
{
    [ModuleInitializer]
    public static void Initialize() => TorchRuntime.Initialize();
}
