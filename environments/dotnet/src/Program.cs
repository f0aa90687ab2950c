using System;
using System.IO;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

namespace Hotpod
{
    /// <summary>Entry point of the .NET runtime: listens, loads one function, serves it, ends in order on SIGTERM.</summary>
    static class Program
    {
        static int Main()
        {
            Settings settings;
            try { settings = new Settings(); }
            catch (FormatException err)
            {
                Console.Error.WriteLine("dotnet runtime: " + err.Message);
                return 2;
            }
            TagWriter.Install();
            var runtime = new Runtime(settings);
            Server server;
            try { server = new Server(runtime, settings); }
            catch (SocketException err)
            {
                Console.Error.WriteLine("dotnet runtime: listen on {0}:{1}: {2}", settings.Host, settings.Port, err.Message);
                return 1;
            }
            Rehearsal.Play(settings);
            server.Start();
            Signals.Wait();
            server.Drain();
#if !NET
            // Mono ends all threads first, which may wait for ever for one that is just ending: so this handler, which
            // runs after the function's own, goes no further.
            AppDomain.CurrentDomain.ProcessExit += (_, __) => Signals.ExitNow(0);
#endif
            Environment.Exit(0);
            return 0;
        }
    }

    /// <summary>Waits for SIGTERM or SIGINT, which server.sh had blocked in every thread.</summary>
    static class Signals
    {
        const int Interrupt = 2, Terminate = 15;

        [DllImport("libc", EntryPoint = "sigwait")]
        static extern int SigWait(byte[] set, out int signal);

        [DllImport("libc", EntryPoint = "getpid")]
        static extern int GetPid();

        [DllImport("libc", EntryPoint = "kill")]
        static extern int Kill(int pid, int signal);

        [DllImport("libc", EntryPoint = "_exit")]
        public static extern void ExitNow(int code);

        public static void Wait()
        {
#if NET
            var ended = new ManualResetEventSlim();
            using (PosixSignalRegistration.Create(PosixSignal.SIGTERM, c => { c.Cancel = true; ended.Set(); }))
            using (PosixSignalRegistration.Create(PosixSignal.SIGINT, c => { c.Cancel = true; ended.Set(); }))
                ended.Wait();
#else
            var set = new byte[128]; // sigset_t: one bit for each signal
            foreach (var signal in new[] { Interrupt, Terminate }) set[(signal - 1) / 8] |= (byte)(1 << (signal - 1) % 8);
            // A function's Environment.Exit waits for threads in native code, so this one must come out of it.
            var exiting = false;
            AppDomain.CurrentDomain.ProcessExit += (_, __) => { exiting = true; Kill(GetPid(), Terminate); };
            int got;
            SigWait(set, out got);
            if (exiting) Thread.Sleep(Timeout.Infinite);
#endif
        }
    }

    /// <summary>
    /// Plays a runtime's life once with a function of its own, so that what is compiled at its first run, the compiler
    /// above all, is ready before a user waits for it.
    /// </summary>
    static class Rehearsal
    {
        const string Source = "public class FissionFunction { public object Execute(Fission.DotNetCore.Api.FissionContext c) "
            + "{ return new { hello = c.Arguments.Count }; } }";

        public static void Play(Settings settings)
        {
            var file = Path.GetTempFileName();
            var said = Console.Out;
            try
            {
                File.WriteAllText(file, Source);
                var assembly = Compiler.Compile(new[] { file }, new string[0]);
                var head = Head.Parse("POST /?a=b HTTP/1.1\r\nHost: rehearsal\r\nX-Fission-Params-A: b");
                var response = Function.Find(new[] { assembly }, "", "/").Invoke(new Call(head, new BodyStream(new RequestBody(null, head), 0)));
                response.Head(true, "");
                Json.Parse("{\"filepath\":\"\",\"env\":{\"a\":[1,true]}}");
            }
            catch (Exception err)
            {
                Console.Error.WriteLine("dotnet runtime: warm-up: " + err.Message);
            }
            finally
            {
                File.Delete(file);
            }
        }
    }
}
