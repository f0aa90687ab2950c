using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Tasks;

namespace Hotpod
{
    /// <summary>A loaded class with a method Execute or ExecuteAsync; each call gets an object of its own.</summary>
    sealed class Function
    {
        readonly Type type;
        readonly MethodInfo method;
        readonly ParameterInfo[] parameters;
        readonly string folder;

        Function(Type type, string folder)
        {
            this.type = type;
            this.folder = folder;
            method = MethodOf(type);
            parameters = method.GetParameters();
        }

        static MethodInfo MethodOf(Type type) { return type.GetMethod("Execute") ?? type.GetMethod("ExecuteAsync"); }

        static bool IsFunction(Type type) { return type.IsClass && !type.IsAbstract && !type.ContainsGenericParameters && MethodOf(type) != null; }

        /// <summary>
        /// Finds the class that an entry point names: its name, with or without its namespace, or Assembly:Namespace:Class.
        /// Without a name: FissionFunction, MyFunction, the only IFissionFunction, or the only class that has the method.
        /// </summary>
        public static Function Find(IEnumerable<Assembly> assemblies, string entry, string folder)
        {
            var all = assemblies.SelectMany(TypesOf).Where(IsFunction).ToList();
            var wanted = entry.Contains(":") ? string.Join(".", entry.Split(':').Skip(1).Where(p => p != "")) : entry;
            var type = wanted == "" ? Default(all) : all.FirstOrDefault(t => t.FullName == wanted) ?? all.FirstOrDefault(t => t.Name == wanted);
            if (type == null)
            {
                var has = all.Count == 0 ? "none" : string.Join(", ", all.Select(t => t.FullName));
                throw new LoadError("there must be a class " + (wanted == "" ? "FissionFunction or MyFunction" : wanted)
                    + " with a public method Execute or ExecuteAsync; classes that have one: " + has);
            }
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
            return new Function(type, folder);
        }

        static Type Default(List<Type> all)
        {
            var declared = all.Where(typeof(Fission.Functions.IFissionFunction).IsAssignableFrom).ToList();
            return all.FirstOrDefault(t => t.Name == "FissionFunction") ?? all.FirstOrDefault(t => t.Name == "MyFunction")
                ?? (declared.Count == 1 ? declared[0] : all.Count == 1 ? all[0] : null);
        }

        static IEnumerable<Type> TypesOf(Assembly assembly)
        {
            try { return assembly.GetTypes(); }
            catch (ReflectionTypeLoadException err)
            {
                throw new LoadError(assembly.GetName().Name + ": " + string.Join("\n", err.LoaderExceptions.Select(e => e.Message).Distinct()));
            }
        }

        /// <summary>Calls the function and makes an answer of what it returns; throws what it throws.</summary>
        public Response Invoke(Call call)
        {
            call.Folder = folder;
            object result;
            try
            {
                result = method.Invoke(method.IsStatic ? null : Activator.CreateInstance(type), parameters.Select(p => Argument(p.ParameterType, call)).ToArray());
            }
            catch (TargetInvocationException err)
            {
                throw Errors.Kept(err.InnerException);
            }
            return Answers.Of(Awaited(result));
        }

        static object Argument(Type type, Call call)
        {
            if (type == typeof(Fission.DotNetCore.Api.FissionContext)) return new Fission.DotNetCore.Api.FissionContext(call);
            if (type == typeof(Fission.Functions.FissionContext)) return new Fission.Functions.FissionContext(call);
            if (type.IsAssignableFrom(typeof(Fission.DotNet.Common.FissionHttpContext))) return new Fission.DotNet.Common.FissionHttpContext(call);
            if (type == typeof(Fission.DotNet.Common.ILogger)) return new Fission.DotNet.Common.Logger();
            throw new InvalidOperationException("a function cannot take a " + type.FullName);
        }

        static object Awaited(object result)
        {
            var task = result as Task;
            if (task == null) return result;
            try { task.Wait(); }
            catch (AggregateException err) { throw Errors.Kept(err.InnerException); }
            var value = task.GetType().GetProperty("Result");
            return value == null || value.PropertyType.Name == "VoidTaskResult" ? null : value.GetValue(task, null);
        }
    }

    /// <summary>From what a function returns to an answer.</summary>
    static class Answers
    {
        const string Text = "text/plain; charset=utf-8", Bytes = "application/octet-stream";

        /// <summary>
        /// Text, bytes, a Stream, or an iterator of text or bytes, which are streamed; anything else is JSON; null is an
        /// empty 200. A Response chooses status and headers too.
        /// </summary>
        public static Response Of(object result)
        {
            var response = result as Response ?? new Response(200, result);
            string type;
            response.Body = Encode(response.Body, out type);
            if (type != null && response.Header("Content-Type") == null) response.With("Content-Type", type);
            return response;
        }

        static object Encode(object body, out string type)
        {
            type = Text;
            if (body == null) { type = null; return new byte[0]; }
            if (body is string) return Encoding.UTF8.GetBytes((string)body);
            if (body is IEnumerable<string> && !(body is ICollection)) return ((IEnumerable<string>)body).Select(Encoding.UTF8.GetBytes);
            type = Bytes;
            if (body is byte[]) return body;
            if (body is Stream) return Pieces((Stream)body);
            if (body is IEnumerable<byte[]> && !(body is ICollection)) return body;
            type = "application/json; charset=utf-8";
            return Encoding.UTF8.GetBytes(Json.Write(body));
        }

        static IEnumerable<byte[]> Pieces(Stream stream)
        {
            using (stream)
            {
                var buffer = new byte[64 * 1024];
                int read;
                while ((read = stream.Read(buffer, 0, buffer.Length)) > 0)
                {
                    var piece = new byte[read];
                    Buffer.BlockCopy(buffer, 0, piece, 0, read);
                    yield return piece;
                }
            }
        }
    }
}
