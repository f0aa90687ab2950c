using gone;

public class MyFunction
{
    public object Execute() { return null; }
}
