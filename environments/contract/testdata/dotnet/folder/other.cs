public class other
{
    public object Execute() { return Lib.Greeting + " from other\n"; }
}
