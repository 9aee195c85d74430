using System.Globalization;
using System.Text;

namespace Pique.Configuration;

/// <summary>Writes JSON byte for byte as serde_json's pretty printer does: two-space indent, a field a line, its float text and its escapes.</summary>
internal sealed class PrettyJsonWriter
{
    private readonly StringBuilder _text = new();
    private int _depth;
    private bool _isFirst = true;

    public override string ToString() => _text.ToString();

    public void Object(Action writeFields) => Nested('{', '}', writeFields);

    public void Field(string name, Action writeValue)
    {
        StartItem();
        AppendQuoted(name);
        _text.Append(": ");
        writeValue();
    }

    public void Field(string name, int value) => Field(name, () => _text.Append(value.ToString(CultureInfo.InvariantCulture)));

    public void Field(string name, int? value) => Field(name, () => _text.Append(value?.ToString(CultureInfo.InvariantCulture) ?? "null"));

    public void Field(string name, long value) => Field(name, () => _text.Append(value.ToString(CultureInfo.InvariantCulture)));

    public void Field(string name, float value) => Field(name, () => _text.Append(SerdeFloat.Format(value)));

    public void Field(string name, float? value) => Field(name, () => _text.Append(value is float number ? SerdeFloat.Format(number) : "null"));

    public void Field(string name, bool value) => Field(name, () => _text.Append(value ? "true" : "false"));

    public void Field(string name, string? value) => Field(name, () => String(value));

    public void Field<TEnum>(string name, TEnum value) where TEnum : struct, Enum => Field(name, SnakeCase.Of(value));

    public void List<T>(string name, IReadOnlyList<T> items, Action<T> writeItem) => Field(name, () =>
    {
        if (items.Count == 0)
        {
            _text.Append("[]");
            return;
        }

        Nested('[', ']', () =>
        {
            foreach (T item in items)
            {
                StartItem();
                writeItem(item);
            }
        });
    });

    /// <summary>A string, or null.</summary>
    public void String(string? value)
    {
        if (value is null)
        {
            _text.Append("null");
            return;
        }

        AppendQuoted(value);
    }

    private void Nested(char open, char close, Action writeItems)
    {
        _text.Append(open);
        _depth++;
        _isFirst = true;
        writeItems();
        _depth--;
        _isFirst = false;
        _text.Append('\n').Append(' ', 2 * _depth).Append(close);
    }

    private void StartItem()
    {
        _text.Append(_isFirst ? "\n" : ",\n").Append(' ', 2 * _depth);
        _isFirst = false;
    }

    private void AppendQuoted(string value)
    {
        _text.Append('"');
        foreach (char character in value)
        {
            _ = character switch
            {
                '"' => _text.Append("\\\""),
                '\\' => _text.Append("\\\\"),
                '\b' => _text.Append("\\b"),
                '\f' => _text.Append("\\f"),
                '\n' => _text.Append("\\n"),
                '\r' => _text.Append("\\r"),
                '\t' => _text.Append("\\t"),
                < ' ' => _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
                _ => _text.Append(character),
            };
        }

        _text.Append('"');
    }
}
