public class MyFunction
{
    public void Execute() { }
}
