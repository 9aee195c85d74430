using CsCheck;

namespace Pique.Tests.Runtime;

public class ElfVersionPatcherTests
{
    private const string Version = "GLIBCXX_3.4.32";

    [Fact]
    public void Only_the_flag_of_the_wanted_version_changes()
    {
        byte[] plain = SyntheticElf.NeedingVersions("GLIBCXX_3.4.3", Version);
        byte[] expected = [.. plain];
        expected[SyntheticElf.SecondFlagsAt] |= 2;
        Assert.Equal(expected, ElfVersionPatcher.MarkWeak(plain, Version, "made up"));
    }

    [Fact]
    public void A_version_is_not_taken_for_a_longer_one()
    {
        byte[] plain = SyntheticElf.NeedingVersions(Version, "GLIBCXX_3.4.3");
        byte[] expected = [.. plain];
        expected[SyntheticElf.SecondFlagsAt] |= 2;
        Assert.Equal(expected, ElfVersionPatcher.MarkWeak(plain, "GLIBCXX_3.4.3", "made up"));
    }

    [Fact]
    public void Patching_twice_changes_nothing_more()
    {
        byte[] once = ElfVersionPatcher.MarkWeak(SyntheticElf.NeedingVersions(Version, "OTHER"), Version, "made up");
        Assert.Equal(2, once[SyntheticElf.FirstFlagsAt]);
        Assert.Equal(once, ElfVersionPatcher.MarkWeak(once, Version, "made up"));
    }

    [Fact]
    public void The_library_of_TorchSharp_changes_in_one_bit()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        byte[] plain = File.ReadAllBytes(path);
        byte[] patched = ElfVersionPatcher.MarkWeak(plain, Version, path);
        int changed = Assert.Single(Enumerable.Range(0, plain.Length), i => plain[i] != patched[i]);
        Assert.Equal(plain[changed] | 2, patched[changed]);
    }

    [Fact]
    public void A_version_that_is_not_asked_for_is_an_error()
    {
        var error = Assert.Throws<InputException>(() => ElfVersionPatcher.MarkWeak(SyntheticElf.NeedingVersions("A", "B"), Version, "made up"));
        Assert.Equal("made up: asks for no symbol version GLIBCXX_3.4.32, so there is none to make weak; use the library that belongs to this release of TorchSharp.", error.Message);
    }

    [Fact]
    public void Other_files_are_refused()
    {
        var error = Assert.Throws<InputException>(() => ElfVersionPatcher.MarkWeak("#!/bin/sh"u8, Version, "script"));
        Assert.Equal("script: the header is not that of an x86-64 ELF file, so it is no shared object that can be patched; restore the package it came from.", error.Message);
    }

    [Fact]
    public void An_offset_outside_of_the_file_is_named()
    {
        byte[] hostile = SyntheticElf.NeedingVersions("A", Version);
        BitConverter.TryWriteBytes(hostile.AsSpan(SyntheticElf.NeedAt + 8), 0x7fff_0000);
        var error = Assert.Throws<InputException>(() => ElfVersionPatcher.MarkWeak(hostile, Version, "hostile"));
        Assert.Contains($"bytes at offset {0x7fff_0000 + SyntheticElf.NeedAt + 8} lie outside of its {hostile.Length} bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        byte[] plain = SyntheticElf.NeedingVersions("A", Version);
        for (int length = 0; length < plain.Length; length++)
            Assert.Throws<InputException>(() => ElfVersionPatcher.MarkWeak(plain.AsSpan(0, length), Version, "cut"));
    }

    [Fact]
    public void Damaged_files_are_refused_or_keep_all_but_flags()
    {
        byte[] plain = SyntheticElf.NeedingVersions("A", Version);
        Gen<(int, ulong)[]> damage = Gen.Select(Gen.Int[0, plain.Length - 8], Gen.ULong).Array[1, 4];
        damage.Sample(places =>
        {
            byte[] damaged = [.. plain];
            foreach ((int at, ulong value) in places)
                BitConverter.TryWriteBytes(damaged.AsSpan(at), value);
            try
            {
                byte[] patched = ElfVersionPatcher.MarkWeak(damaged, Version, "damaged");
                Assert.All(Enumerable.Range(0, patched.Length), i => Assert.Equal(0, (patched[i] ^ damaged[i]) & ~2));
            }
            catch (InputException)
            {
            }
        }, iter: 20_000);
    }
}
