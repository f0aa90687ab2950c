public class MyFunction
{
    public object Execute()
    {
        = 5;
    }
}
