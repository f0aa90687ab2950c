using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;

namespace Hotpod
{
    /// <summary>Why a function cannot be loaded, in its author's words: no stack is needed to understand it.</summary>
    sealed class LoadError : Exception
    {
        public LoadError(string message) : base(message) { }
    }

    /// <summary>From an entry point to a function.</summary>
    static class Loader
    {
        /// <summary>
        /// Loads the class that entry names from a source file, an assembly, a folder with sources, which are compiled
        /// together, or a folder with assemblies.
        /// </summary>
        public static Function Load(string path, string entry)
        {
            var isFolder = Directory.Exists(path);
            if (!isFolder && !File.Exists(path)) throw new LoadError("no code at " + path);
            var folder = isFolder ? path : Path.GetDirectoryName(path);
            AppDomain.CurrentDomain.AssemblyResolve += (_, wanted) => Resolve(folder, wanted.Name);
            try
            {
                return Function.Find(isFolder ? FromFolder(path, entry) : FromFile(path), entry, folder);
            }
            catch (TypeInitializationException err)
            {
                throw Errors.Kept(err.InnerException ?? err);
            }
        }

        static IEnumerable<Assembly> FromFile(string path)
        {
            if (IsAssembly(path)) return new[] { Assembly.LoadFrom(path) };
            return new[] { Compiler.Compile(new[] { path }, new string[0]) };
        }

        static IEnumerable<Assembly> FromFolder(string folder, string entry)
        {
            var libraries = Directory.GetFiles(folder, "*.dll").Where(IsAssembly).Where(f => !IsOurs(f)).ToArray();
            if (entry.Contains(":")) return new[] { Assembly.LoadFrom(Path.Combine(folder, entry.Split(':')[0] + ".dll")) };
            var sources = Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories).Where(f => !IsBuildOutput(folder, f)).ToArray();
            if (sources.Length > 0) return new[] { Compiler.Compile(sources, libraries) };
            if (libraries.Length > 0) return libraries.Select(Assembly.LoadFrom).ToList();
            throw new LoadError("no .cs and no .dll in " + folder + ", which has "
                + string.Join(", ", Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Take(20)));
        }

        static bool IsBuildOutput(string folder, string file)
        {
            var top = file.Substring(folder.Length).TrimStart('/').Split('/')[0];
            return top == "obj" || top == "bin";
        }

        // An assembly of the API that came with a build must not hide the runtime's.
        static bool IsOurs(string file)
        {
            var name = Path.GetFileNameWithoutExtension(file);
            return name == "hotpod-dotnet" || name == "Fission.Functions" || name == "Fission.DotNet.Common";
        }

        static bool IsAssembly(string file)
        {
            using (var stream = File.OpenRead(file)) return stream.ReadByte() == 'M' && stream.ReadByte() == 'Z';
        }

        static Assembly Resolve(string folder, string fullName)
        {
            var name = new AssemblyName(fullName).Name;
            if (IsOurs(name + ".dll")) return typeof(Loader).Assembly;
            var file = Path.Combine(folder, name + ".dll");
            return File.Exists(file) ? Assembly.LoadFrom(file) : null;
        }
    }
}
