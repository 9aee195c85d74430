using System.Buffers.Binary;
using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>Walks the fields of one protocol buffers message. Every length is checked against the message before it is used.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message, string file)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = message;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Value of the current field where it is a whole number.</summary>
    public ulong Number { get; private set; }

    /// <summary>Bytes of the current field where it is text, bytes, a message or a number of fixed width.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Moves to the next field.</summary>
    /// <returns>False at the end of the message.</returns>
    public bool Read()
    {
        if (_rest.IsEmpty)
            return false;
        ulong tag = ReadNumber();
        Field = (int)Math.Min(tag >> 3, int.MaxValue);
        Number = 0;
        Bytes = default;
        switch (tag & 7)
        {
            case 0:
                Number = ReadNumber();
                break;
            case 1:
                Bytes = Take(8);
                break;
            case 2:
                Bytes = Take(ReadNumber());
                break;
            case 5:
                Bytes = Take(4);
                break;
            default:
                throw Malformed($"field {Field} has wire type {tag & 7}");
        }
        return true;
    }

    /// <summary>The current field as a truth value.</summary>
    public readonly bool Flag => Number != 0;

    /// <summary>The current field as text.</summary>
    public readonly string Text()
    {
        try
        {
            return StrictUtf8.GetString(Bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new InputException($"{file}: no SentencePiece model: field {Field} is no UTF-8 text; fetch the file again.", exception);
        }
    }

    /// <summary>The current field as a single-precision number.</summary>
    public readonly float Single() =>
        Bytes.Length == sizeof(float) ? BinaryPrimitives.ReadSingleLittleEndian(Bytes) : throw Malformed($"field {Field} has {Bytes.Length} bytes, expected 4");

    private ulong ReadNumber()
    {
        ulong value = 0;
        for (int i = 0; i < 10 && i < _rest.Length; i++)
        {
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }
        throw Malformed("a number does not end");
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)_rest.Length)
            throw Malformed($"field {Field} claims {length} bytes where {_rest.Length} are left");
        ReadOnlySpan<byte> bytes = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return bytes;
    }

    private readonly InputException Malformed(string found) => new($"{file}: no SentencePiece model: {found}; fetch the file again.");
}
