using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Pique.Interop.Tests.Fixture;

/// <summary>The npm packages that bring llama.cpp, installed in a folder by its package-lock.json.</summary>
internal sealed class NodePackages
{
    /// <summary>node-llama-cpp's own demand ("engines" of its package.json).</summary>
    private const int LeastNodeVersion = 20;

    /// <summary>Lines of npm's output that make up a reason; its first lines name the error.</summary>
    private const int ReasonLines = 4;

    private static readonly TimeSpan VersionLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan InstallLimit = TimeSpan.FromMinutes(5);

    private NodePackages(string folder) => Folder = folder;

    /// <summary>Folder with package.json, the script and node_modules.</summary>
    public string Folder { get; }

    /// <summary>Folder with the shared libraries of llama.cpp and ggml.</summary>
    public string LibraryFolder => Path.Combine(Folder, "node_modules", "@node-llama-cpp", "linux-x64", "bins", "linux-x64");

    /// <summary>Installs the packages, or finds them installed by the same lock file. Processes that do so at the same time wait for one another.</summary>
    /// <param name="folder">Folder with package.json and package-lock.json.</param>
    /// <exception cref="LlamaCppMissingException">The machine is of another kind, Node.js is missing or old, or npm failed.</exception>
    public static NodePackages Install(string folder)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            throw new LlamaCppMissingException($"its build is for 64-bit Linux on x86-64, this is {RuntimeInformation.RuntimeIdentifier}");
        CheckNode(folder);

        string digest = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "package-lock.json"))));
        string installed = Path.Combine(folder, "node_modules", ".installed-lock-sha256");
        using FileStream turn = WaitForTurn(Path.Combine(folder, ".install-turn"));
        if (!File.Exists(installed) || File.ReadAllText(installed) != digest)
        {
            // npm removes what is there first, the mark of an earlier installation too.
            (int exitCode, string output) = Run("npm", ["ci"], folder, InstallLimit);
            if (exitCode != 0)
                throw new LlamaCppMissingException($"\"npm ci\" ended with code {exitCode}: {string.Join(' ', output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Take(ReasonLines))}");
            File.WriteAllText(installed, digest);
        }

        return new NodePackages(folder);
    }

    private static void CheckNode(string folder)
    {
        (int _, string version) = Run("node", ["--version"], folder, VersionLimit);
        if (!int.TryParse(version.TrimStart('v').Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int major) || major < LeastNodeVersion)
            throw new LlamaCppMissingException($"Node.js is {version.Trim()}, expected {LeastNodeVersion} or newer");
    }

    /// <summary>Opens a file that one process at a time can have open.</summary>
    private static FileStream WaitForTurn(string path)
    {
        for (long start = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (Stopwatch.GetElapsedTime(start) < InstallLimit)
            {
                Thread.Sleep(TimeSpan.FromMilliseconds(200));
            }
        }
    }

    private static (int ExitCode, string Output) Run(string program, string[] arguments, string folder, TimeSpan limit)
    {
        ProcessStartInfo start = new(program, arguments) { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            throw new LlamaCppMissingException($"there is no program \"{program}\"; install Node.js {LeastNodeVersion} or newer with npm");
        }

        using (process)
        {
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(limit))
            {
                process.Kill(entireProcessTree: true);
                throw new LlamaCppMissingException($"\"{program} {string.Join(' ', arguments)}\" took longer than {limit.TotalSeconds} s");
            }

            return (process.ExitCode, error.Result + output.Result);
        }
    }
}
