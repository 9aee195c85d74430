namespace Pique.Tests.Training;

/// <summary>A disk with room for so many bytes: files of <see cref="Create"/> fail as those of a full one do.</summary>
internal sealed class FullDisk(long roomBytes)
{
    private long _roomBytes = roomBytes;

    public FileStream Create(string path) => new LimitedFile(path, this);

    private sealed class LimitedFile(string path, FullDisk disk) : FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0)
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            int fits = (int)Math.Min(buffer.Length, disk._roomBytes);
            base.Write(buffer[..fits]);
            disk._roomBytes -= fits;
            if (fits < buffer.Length)
                throw new IOException("No space left on device");
        }
    }
}
