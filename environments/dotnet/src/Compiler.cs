using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Hotpod
{
    /// <summary>Compiles C#: on Mono by its compiler inside this process, on .NET by the SDK's.</summary>
    static class Compiler
    {
        /// <summary>Compiles sources against the API and the libraries; a LoadError has the compiler's errors with their lines.</summary>
        public static Assembly Compile(string[] sources, string[] libraries)
        {
            // A name of its own: of two assemblies with one name the first would stand for both.
            var name = "hotpod-" + Guid.NewGuid().ToString("N");
            var folder = Path.Combine(Path.GetTempPath(), name);
            Directory.CreateDirectory(folder);
            var output = Path.Combine(folder, name + ".dll");
            var args = new List<string> { "-nologo", "-target:library", "-langversion:latest", "-debug", "-nowarn:1701,1702", "-out:" + output };
            args.Add("-r:" + typeof(Compiler).Assembly.Location);
            args.AddRange(libraries.Select(l => "-r:" + l));
            string said;
            var ok = Type.GetType("Mono.Runtime") != null ? Mono(args, sources, out said) : Sdk(args, sources, out said);
            if (!ok || !File.Exists(output))
            {
                Directory.Delete(folder, true);
                throw new LoadError("the code does not compile:\n" + WithLines(said));
            }
            var symbols = new[] { output + ".mdb", Path.ChangeExtension(output, ".pdb") }.FirstOrDefault(File.Exists);
            var assembly = Assembly.Load(File.ReadAllBytes(output), symbols == null ? null : File.ReadAllBytes(symbols));
            Directory.Delete(folder, true);
            return assembly;
        }

        static bool Mono(List<string> args, string[] sources, out string said)
        {
            foreach (var name in new[] { "System.Core", "System.Numerics", "System.Xml", "Microsoft.CSharp" })
                if (File.Exists(Path.Combine(Libraries, name + ".dll"))) args.Add("-r:" + name + ".dll");
            args.AddRange(sources);
            var entry = Assembly.LoadFrom(Path.Combine(Libraries, "mcs.exe")).GetType("Mono.CSharp.CompilerCallableEntryPoint");
            var text = new StringWriter();
            var ok = (bool)entry.GetMethod("InvokeCompiler").Invoke(null, new object[] { args.ToArray(), text });
            said = text.ToString();
            return ok;
        }

        static string Libraries { get { return Path.GetDirectoryName(typeof(object).Assembly.Location); } }

        static bool Sdk(List<string> args, string[] sources, out string said)
        {
            // The runtime's folder is <root>/shared/Microsoft.NETCore.App/<version>; the SDK lies beside shared.
            var root = Path.GetFullPath(Path.Combine(Libraries, "..", "..", ".."));
            var compiler = Directory.Exists(Path.Combine(root, "sdk"))
                ? Directory.GetFiles(Path.Combine(root, "sdk"), "csc.dll", SearchOption.AllDirectories).OrderBy(f => f).LastOrDefault() : null;
            if (compiler == null) throw new LoadError("there is no .NET SDK in " + root + " to compile sources with: build the function (--src with the builder) and deploy assemblies");
            var response = Path.GetTempFileName();
            args.Add("-nostdlib");
            args.AddRange(Directory.GetFiles(Libraries, "*.dll").Where(IsManaged).Select(l => "-r:" + l));
            File.WriteAllLines(response, args.Concat(sources).Select(a => "\"" + a + "\""));
            var start = new ProcessStartInfo(Path.Combine(root, "dotnet"), "exec \"" + compiler + "\" -noconfig \"@" + response + "\"")
            { UseShellExecute = false, RedirectStandardOutput = true };
            using (var process = Process.Start(start))
            {
                said = process.StandardOutput.ReadToEnd();
                process.WaitForExit();
                return process.ExitCode == 0;
            }
        }

        static bool IsManaged(string file)
        {
            try { AssemblyName.GetAssemblyName(file); return true; }
            catch (BadImageFormatException) { return false; }
        }

        /// <summary>The compiler's messages, each followed by the line that it is about.</summary>
        static string WithLines(string said)
        {
            var seen = new List<string>();
            foreach (var line in said.Split('\n').Select(l => l.TrimEnd()).Where(l => l != "").Distinct())
            {
                seen.Add(line);
                var match = Regex.Match(line, @"^(.+?)\((\d+),\d+");
                if (!match.Success || !File.Exists(match.Groups[1].Value)) continue;
                seen.Add("    " + File.ReadLines(match.Groups[1].Value).Skip(int.Parse(match.Groups[2].Value) - 1).FirstOrDefault());
            }
            return string.Join("\n", seen);
        }
    }
}
