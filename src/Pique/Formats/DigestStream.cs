using System.Security.Cryptography;

namespace Pique.Formats;

/// <summary>Passes what is written on to another stream and takes its SHA-256 on the way.</summary>
internal sealed class DigestStream : Stream
{
    private readonly Stream _target;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _writtenBytes;

    /// <summary>Begins a digest.</summary>
    /// <param name="target">Receives what is written; stays open.</param>
    public DigestStream(Stream target) => _target = target;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <summary>Bytes written so far.</summary>
    public override long Length => _writtenBytes;

    /// <summary>Bytes written so far; cannot be set.</summary>
    public override long Position
    {
        get => _writtenBytes;
        set => throw new NotSupportedException();
    }

    /// <summary>The SHA-256 of all that was written; a new digest begins.</summary>
    public byte[] Finish()
    {
        _writtenBytes = 0;
        return _hash.GetHashAndReset();
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _target.Write(buffer);
        _hash.AppendData(buffer);
        _writtenBytes += buffer.Length;
    }

    /// <inheritdoc/>
    public override void Flush() => _target.Flush();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _hash.Dispose();
        base.Dispose(disposing);
    }
}
