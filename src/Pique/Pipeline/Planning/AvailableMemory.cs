using System.Globalization;
using Pique.Training;

namespace Pique.Pipeline;

/// <summary>What memory this process may have in use: what the system and the control group it runs in have left, and what it holds already.</summary>
/// <remarks>MemAvailable of /proc/meminfo; limit, usage and reclaimable file pages of the control group and all above it, of version 2 or 1. Swap does not count.</remarks>
/// <param name="procFolder">/proc.</param>
/// <param name="groupFolder">/sys/fs/cgroup.</param>
internal sealed class AvailableMemory(string procFolder = "/proc", string groupFolder = "/sys/fs/cgroup")
{
    private const int BytesPerKilobyte = 1024;

    /// <summary>Version 2 of control groups.</summary>
    private static readonly GroupFiles Unified = new("", "memory.max", "memory.current", "inactive_file");

    /// <summary>Version 1.</summary>
    private static readonly GroupFiles Legacy = new("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");

    /// <summary>Bytes; null where the system does not tell.</summary>
    public long? Bytes
    {
        get
        {
            if (Field(Path.Combine(procFolder, "meminfo"), "MemAvailable:") is not { } kilobytes)
            {
                return null;
            }

            long left = Groups().Select(RoomIn).OfType<long>().Append(kilobytes * BytesPerKilobyte).Min();
            return Math.Max(0, left) + (new ProcessMemory(Path.Combine(procFolder, "self")).ResidentBytes ?? 0);
        }
    }

    /// <summary>The group of this process and those above it; inside a container their paths may be cut off, so the root is always among them.</summary>
    private IEnumerable<(string Folder, GroupFiles Files)> Groups()
    {
        foreach (string line in Lines(Path.Combine(procFolder, "self", "cgroup")))
        {
            // hierarchy:controllers:path
            string[] parts = line.Split(':', 3);
            if (parts.Length != 3)
            {
                continue;
            }

            GroupFiles? files = parts[1].Length == 0 ? Unified : parts[1].Split(',').Contains("memory") ? Legacy : null;
            for (string? path = parts[2].Trim('/'); files is not null && path is not null; path = path.Length == 0 ? null : Path.GetDirectoryName(path) ?? "")
            {
                yield return (Path.Combine(groupFolder, files.Mount, path), files);
            }
        }
    }

    private static long? RoomIn((string Folder, GroupFiles Files) group)
    {
        long? limit = Number(Lines(Path.Combine(group.Folder, group.Files.Limit)).FirstOrDefault());
        long? usage = Number(Lines(Path.Combine(group.Folder, group.Files.Usage)).FirstOrDefault());
        long reclaimable = Field(Path.Combine(group.Folder, "memory.stat"), group.Files.Reclaimable + " ") ?? 0;
        return limit - (usage - reclaimable);
    }

    private static long? Field(string path, string name) =>
        Number(Lines(path).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Replace("kB", "", StringComparison.Ordinal));

    /// <summary>A limit of "max" is none.</summary>
    private static long? Number(string? text) => long.TryParse(text?.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    private static string[] Lines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return []; // Not for us to see.
        }
    }

    private sealed record GroupFiles(string Mount, string Limit, string Usage, string Reclaimable);
}
