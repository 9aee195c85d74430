using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Pique.Data;

/// <summary>Reads lines of strict UTF-8, each of bounded length, and knows the line number for messages.</summary>
internal sealed class Utf8LineReader : IDisposable
{
    public const int LongestLineBytes = 16 << 20;

    private readonly Stream _stream;
    private readonly string _name;
    private readonly byte[] _buffer = new byte[1 << 16];
    private readonly ArrayBufferWriter<byte> _line = new();
    private int _bufferStart;
    private int _bufferEnd;
    private long _lineOffset;
    private long _nextLineOffset;

    /// <summary>Takes over the stream.</summary>
    /// <param name="stream">Bytes.</param>
    /// <param name="name">File name for messages.</param>
    public Utf8LineReader(Stream stream, string name)
    {
        _stream = stream;
        _name = name;
    }

    /// <summary>Number of the line read last, from 1.</summary>
    public int LineNumber { get; private set; }

    /// <summary>The next line without its end (LF or CR LF), or null after the last.</summary>
    /// <exception cref="InputException">The line is too long or not UTF-8.</exception>
    public string? ReadLine()
    {
        _line.ResetWrittenCount();
        _lineOffset = _nextLineOffset;
        LineNumber++;
        bool ended = false;
        while (!ended)
        {
            if (_bufferStart == _bufferEnd)
            {
                _bufferStart = 0;
                _bufferEnd = _stream.Read(_buffer);
                if (_bufferEnd == 0)
                {
                    break;
                }
            }

            ReadOnlySpan<byte> available = _buffer.AsSpan(_bufferStart, _bufferEnd - _bufferStart);
            int lineEnd = available.IndexOf((byte)'\n');
            ended = lineEnd >= 0;
            ReadOnlySpan<byte> part = ended ? available[..lineEnd] : available;
            int consumed = part.Length + (ended ? 1 : 0);
            _bufferStart += consumed;
            _nextLineOffset += consumed;
            if (_line.WrittenCount + part.Length > LongestLineBytes)
            {
                throw new InputException(
                    $"{_name}:{LineNumber}: the line is longer than {LongestLineBytes} bytes; break it into lines or records.");
            }

            _line.Write(part);
        }

        return !ended && _line.WrittenCount == 0 ? null : Decode(_line.WrittenSpan);
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private string Decode(ReadOnlySpan<byte> line)
    {
        if (!Utf8.IsValid(line))
        {
            int offset = 0;
            while (Rune.DecodeFromUtf8(line[offset..], out _, out int length) == OperationStatus.Done)
            {
                offset += length;
            }

            throw new InputException(
                $"{_name}:{LineNumber}: found the byte 0x{line[offset]:X2} at offset {_lineOffset + offset}, expected UTF-8; save the file as UTF-8.");
        }

        if (LineNumber == 1 && line.StartsWith("\uFEFF"u8))
        {
            line = line[3..];
        }

        return Encoding.UTF8.GetString(line.EndsWith("\r"u8) ? line[..^1] : line);
    }
}
