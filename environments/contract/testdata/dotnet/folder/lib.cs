static class Lib
{
    public const string Greeting = "hello";
}
