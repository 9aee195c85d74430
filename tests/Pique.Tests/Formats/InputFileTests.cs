using System.IO.Pipes;
using Microsoft.Win32.SafeHandles;
using Pique.Formats;

namespace Pique.Tests.Formats;

public sealed class InputFileTests
{
    [Fact]
    public void A_pipe_is_refused()
    {
        using AnonymousPipeServerStream pipe = new(PipeDirection.In);
        using SafeFileHandle handle = new(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);

        Assert.Equal("p: is a pipe or a device, expected a file; name one", Assert.Throws<InputException>(() => InputFile.LengthOf(handle, "p")).Message);
    }

    [Fact]
    public void A_device_without_bytes_is_an_empty_file() =>
        Assert.Empty(InputFile.ReadAllBytes("/dev/null", 10));

    [Fact]
    public void A_file_larger_than_expected_is_refused_before_it_is_read()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("large");
        using (FileStream stream = File.Create(path))
            stream.SetLength(1L << 40);

        Assert.Equal(
            $"{path}: has 1099511627776 bytes, at most 1000 are expected of such a file; check that it is the right one",
            Assert.Throws<InputException>(() => InputFile.ReadAllBytes(path, 1000)).Message);
    }
}
