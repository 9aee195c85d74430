using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;

namespace Pique;

/// <summary>Per-user folder of native libraries that Pique writes itself, each named by the hash of its content.</summary>
/// <remarks>
/// A library is written under a name of its own and renamed into place, so several processes may start at once. A file
/// already there is loaded only when its content is the wanted one. Where a folder cannot be written to or loaded from
/// (read-only, or mounted without execute permission), the next one is tried. A folder that another user owns, or everyone
/// may write to, is refused, since whoever writes there would choose the code that this process runs.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class NativeLibraryCache(IReadOnlyList<string> folders)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Folders tried, in order.</summary>
    public IReadOnlyList<string> Folders => folders;

    /// <summary>Creates the cache of the current user.</summary>
    /// <param name="chosenFolder">Folder to try first in place of the usual one, or <see langword="null"/>.</param>
    public static NativeLibraryCache ForUser(string? chosenFolder)
    {
        var folders = new List<string>();
        string? configured = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        if (chosenFolder is not null)
            folders.Add(Path.GetFullPath(chosenFolder));
        else if (Path.IsPathFullyQualified(configured ?? "")) // the XDG specification has relative paths ignored
            folders.Add(Path.Combine(configured!, "pique"));
        else if (Path.IsPathFullyQualified(home))
            folders.Add(Path.Combine(home, ".cache", "pique"));
        folders.Add(Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"pique-{FolderOwner.CurrentUser}")));
        return new NativeLibraryCache(folders);
    }

    /// <summary>Writes a library where it is not there yet, and loads it.</summary>
    /// <param name="stem">Beginning of the file name.</param>
    /// <param name="content">The library.</param>
    /// <param name="load">Loads the library from a path.</param>
    /// <returns>What <paramref name="load"/> returned.</returns>
    /// <exception cref="RunFailedException">No folder would do; the message names each and why.</exception>
    public nint Load(string stem, byte[] content, Func<string, nint> load)
    {
        byte[] digest = SHA256.HashData(content);
        string fileName = $"{stem}-{Convert.ToHexStringLower(digest.AsSpan(0, 8))}.so";
        var failures = new List<Exception>();
        foreach (string folder in folders)
        {
            try
            {
                string path = Path.Combine(folder, fileName);
                Place(path, content, digest);
                return load(path);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or DllNotFoundException)
            {
                failures.Add(failure);
            }
        }
        string reasons = string.Join("; ", folders.Zip(failures, (folder, failure) => $"{folder}: {failure.Message.Trim().TrimEnd('.')}"));
        throw new RunFailedException(
            $"{fileName} could be written and loaded nowhere ({reasons}); set XDG_CACHE_HOME, or RuntimeOptions.CacheDirectory, to a folder that can be written to and allows execution.",
            new AggregateException(failures));
    }

    private static void Place(string path, byte[] content, byte[] digest)
    {
        string folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(folder, OwnerOnly);
        FolderOwner.DemandSafe(folder);
        if (File.Exists(path) && HasDigest(path, digest))
            return;
        string partial = $"{path}.{Path.GetRandomFileName()}.partial";
        try
        {
            using (var stream = new FileStream(partial, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }
            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
        if (!HasDigest(path, digest))
            throw new IOException($"{path} does not hold what was just written to it");
    }

    private static bool HasDigest(string path, byte[] digest)
    {
        using FileStream stream = File.OpenRead(path);
        return SHA256.HashData(stream).AsSpan().SequenceEqual(digest);
    }
}
