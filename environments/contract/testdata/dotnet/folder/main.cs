using Fission.Functions;

public class main : IFissionFunction
{
    public object Execute(FissionContext context) { return Lib.Greeting + " from main\n"; }
}
