using System.Collections;

namespace Pique.Formats.Gguf;

/// <summary>The key-value pairs of a GGUF file, in their order; keys are unique.</summary>
public sealed class GgufMetadata : IReadOnlyCollection<KeyValuePair<string, GgufValue>>
{
    private readonly string _path;
    private readonly List<KeyValuePair<string, GgufValue>> _pairs = [];
    private readonly Dictionary<string, GgufValue> _byKey = new(StringComparer.Ordinal);

    /// <summary>Makes an empty collection, to be filled and written.</summary>
    public GgufMetadata() : this("the metadata")
    {
    }

    /// <summary>Makes an empty collection.</summary>
    /// <param name="path">File it comes from, for messages.</param>
    internal GgufMetadata(string path) => _path = path;

    /// <summary>Number of pairs.</summary>
    public int Count => _pairs.Count;

    /// <summary>Adds a pair.</summary>
    /// <param name="key">Key, for example "general.name".</param>
    /// <param name="value">Value.</param>
    /// <exception cref="ArgumentException">The key is there already.</exception>
    public void Add(string key, GgufValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!_byKey.TryAdd(key, value))
            throw new ArgumentException($"key \"{key}\" is given twice; keys are unique", nameof(key));
        _pairs.Add(KeyValuePair.Create(key, value));
    }

    /// <summary>Adds a string. See <see cref="Add(string, GgufValue)"/>.</summary>
    public void Add(string key, string value) => Add(key, GgufValue.Of(value));

    /// <summary>Adds a truth value. See <see cref="Add(string, GgufValue)"/>.</summary>
    public void Add(string key, bool value) => Add(key, GgufValue.Of(value));

    /// <summary>Adds an unsigned 32-bit integer, the usual type of counts. See <see cref="Add(string, GgufValue)"/>.</summary>
    public void Add(string key, uint value) => Add(key, GgufValue.Of(value));

    /// <summary>Adds a signed 32-bit integer. See <see cref="Add(string, GgufValue)"/>.</summary>
    public void Add(string key, int value) => Add(key, GgufValue.Of(value));

    /// <summary>Adds an unsigned 64-bit integer. See <see cref="Add(string, GgufValue)"/>.</summary>
    public void Add(string key, ulong value) => Add(key, GgufValue.Of(value));

    /// <summary>Adds a single-precision float. See <see cref="Add(string, GgufValue)"/>.</summary>
    public void Add(string key, float value) => Add(key, GgufValue.Of(value));

    /// <summary>Adds an array of strings. See <see cref="Add(string, GgufValue)"/>.</summary>
    public void Add(string key, IReadOnlyList<string> values) => Add(key, GgufValue.Of(values));

    /// <summary>Adds an array of single-precision floats. See <see cref="Add(string, GgufValue)"/>.</summary>
    public void Add(string key, IReadOnlyList<float> values) => Add(key, GgufValue.Of(values));

    /// <summary>Adds an array of signed 32-bit integers. See <see cref="Add(string, GgufValue)"/>.</summary>
    public void Add(string key, IReadOnlyList<int> values) => Add(key, GgufValue.Of(values));

    /// <summary>Adds an array of truth values. See <see cref="Add(string, GgufValue)"/>.</summary>
    public void Add(string key, IReadOnlyList<bool> values) => Add(key, GgufValue.Of(values));

    /// <summary>Whether a key is there.</summary>
    public bool Contains(string key) => _byKey.ContainsKey(key);

    /// <summary>The value of a key; null where it is absent.</summary>
    public GgufValue? Find(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>A string.</summary>
    /// <exception cref="InputException">The key is absent or of another type.</exception>
    public string Text(string key) => TextOrNull(key) ?? throw Absent(key, "a string");

    /// <summary>A string; null where the key is absent.</summary>
    /// <exception cref="InputException">The key is of another type.</exception>
    public string? TextOrNull(string key) => Read(key, value => value.Text, "a string");

    /// <summary>An integer of any type.</summary>
    /// <exception cref="InputException">The key is absent or of another type.</exception>
    public long Integer(string key) => IntegerOrNull(key) ?? throw Absent(key, "an integer");

    /// <summary>An integer of any type; null where the key is absent.</summary>
    /// <exception cref="InputException">The key is of another type.</exception>
    public long? IntegerOrNull(string key) => ReadScalar(key, value => value.Integer, "an integer");

    /// <summary>A float; double precision is rounded to single.</summary>
    /// <exception cref="InputException">The key is absent or of another type.</exception>
    public float Float(string key) => FloatOrNull(key) ?? throw Absent(key, "a float");

    /// <summary>A float; double precision is rounded to single. Null where the key is absent.</summary>
    /// <exception cref="InputException">The key is of another type.</exception>
    public float? FloatOrNull(string key) => (float?)ReadScalar(key, value => value.Float, "a float");

    /// <summary>A truth value; null where the key is absent.</summary>
    /// <exception cref="InputException">The key is of another type.</exception>
    public bool? FlagOrNull(string key) => ReadScalar(key, value => value.Flag, "a truth value");

    /// <summary>An array of strings; null where the key is absent.</summary>
    /// <exception cref="InputException">The key is of another type.</exception>
    public IReadOnlyList<string>? TextsOrNull(string key) => Read(key, value => value.Texts, "an array of strings");

    /// <summary>An array of single-precision floats; null where the key is absent.</summary>
    /// <exception cref="InputException">The key is of another type.</exception>
    public IReadOnlyList<float>? FloatsOrNull(string key) => Read(key, value => value.Floats, "an array of floats");

    /// <summary>An array of integers of at most 32 bits; null where the key is absent.</summary>
    /// <exception cref="InputException">The key is of another type.</exception>
    public IReadOnlyList<int>? IntegersOrNull(string key) => Read(key, value => value.Integers, "an array of 32-bit integers");

    /// <summary>An array of truth values; null where the key is absent.</summary>
    /// <exception cref="InputException">The key is of another type.</exception>
    public IReadOnlyList<bool>? FlagsOrNull(string key) => Read(key, value => value.Flags, "an array of truth values");

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, GgufValue>> GetEnumerator() => _pairs.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private T? Read<T>(string key, Func<GgufValue, T?> read, string expected) where T : class =>
        Find(key) is not { } value ? null : read(value) ?? throw Wrong(key, value, expected);

    private T? ReadScalar<T>(string key, Func<GgufValue, T?> read, string expected) where T : struct =>
        Find(key) is not { } value ? null : read(value) ?? throw Wrong(key, value, expected);

    private InputException Absent(string key, string expected) =>
        new($"{_path}: key \"{key}\" is absent, expected {expected}; export the model again");

    private InputException Wrong(string key, GgufValue value, string expected) =>
        new($"{_path}: key \"{key}\" is {value.Describe()}, expected {expected}; export the model again");
}
