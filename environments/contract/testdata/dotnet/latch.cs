// A call of /release ends the oldest call of /wait; /count says how many wait.
using System.Collections.Generic;
using System.Threading.Tasks;
using Fission.DotNet.Common;

public class MyFunction
{
    static readonly Queue<TaskCompletionSource<string>> Waiting = new Queue<TaskCompletionSource<string>>();

    public async Task<object> ExecuteAsync(FissionContext context)
    {
        var url = ((FissionHttpContext)context).Url;
        var latch = new TaskCompletionSource<string>();
        lock (Waiting)
        {
            if (url == "/count") return Waiting.Count.ToString();
            if (url == "/release")
            {
                Waiting.Dequeue().SetResult("waited");
                return "released";
            }
            Waiting.Enqueue(latch);
        }
        return await latch.Task;
    }
}
