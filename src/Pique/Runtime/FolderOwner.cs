using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Pique;

/// <summary>Tells who may change what lies in a folder, which .NET does not.</summary>
[SupportedOSPlatform("linux")]
internal static partial class FolderOwner
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const int NoFlags = 0;
    private const uint ModeAndOwner = 0x2 | 0x8; // STATX_MODE | STATX_UID
    private const int StatusBytes = 256; // struct statx
    private const int OwnerOffset = 20;
    private const int ModeOffset = 28;
    private const int WritableByEveryone = 0b000_000_010;

    /// <summary>Number of the user whose rights this process has.</summary>
    public static uint CurrentUser => EffectiveUser();

    /// <summary>Refuses a folder whose content someone else may change.</summary>
    /// <param name="folder">The folder; a link is followed.</param>
    /// <exception cref="UnauthorizedAccessException">Neither this user nor root owns it, or everyone may write to it.</exception>
    /// <exception cref="IOException">It cannot be looked at.</exception>
    public static void DemandSafe(string folder)
    {
        Span<byte> status = stackalloc byte[StatusBytes];
        if (Status(CurrentDirectory, folder, NoFlags, ModeAndOwner, status) != 0)
            throw new IOException($"cannot be looked at: {Marshal.GetLastPInvokeErrorMessage()}");
        uint owner = BinaryPrimitives.ReadUInt32LittleEndian(status[OwnerOffset..]);
        int mode = BinaryPrimitives.ReadUInt16LittleEndian(status[ModeOffset..]);
        if (owner != CurrentUser && owner != 0)
            throw new UnauthorizedAccessException($"belongs to user {owner}, not to user {CurrentUser}");
        if ((mode & WritableByEveryone) != 0)
            throw new UnauthorizedAccessException("may be written to by everyone; take that right away with chmod o-w");
    }

    [LibraryImport("libc.so.6", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int directory, string path, int flags, uint mask, Span<byte> status);

    [LibraryImport("libc.so.6", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();
}
