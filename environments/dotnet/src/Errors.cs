using System;
using System.Linq;
using System.Runtime.ExceptionServices;

namespace Hotpod
{
    /// <summary>Errors of functions, as their authors want to see them.</summary>
    static class Errors
    {
        /// <summary>Throws the same error again with the stack that it has; never returns.</summary>
        public static Exception Kept(Exception err)
        {
            ExceptionDispatchInfo.Capture(err).Throw();
            return err;
        }

        /// <summary>The error with the function's own part of the stack.</summary>
        public static string Text(Exception err)
        {
            var lines = err.ToString().Split('\n').Where(l => !l.StartsWith("  at Hotpod.") && !l.StartsWith("   at Hotpod.")
                && !l.Contains("at System.Reflection.") && !l.Contains("(wrapper ") && !l.StartsWith("--- End of stack trace"));
            return string.Join("\n", lines).TrimEnd();
        }
    }
}
